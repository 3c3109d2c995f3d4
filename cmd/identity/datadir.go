package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// dataDirectory is where everything of a directory is kept. Only its owner may
// look into it.
//
//	log/         commits; whoever has its lock has the whole directory
//	snapshots/   derived state, for a fast start; may be deleted
//	generations.json  which generation of the views answers, after a rebuild; may be
//	             deleted
//	claim.key    the secret under which unique values are hashed
//	admin.key    the key that may do everything
//	serve.json   where a running serve listens
//	backup-unfinished, import-unfinished  until what is made is whole
type dataDirectory struct{ path string }

const (
	directoryMode = 0o700
	secretMode    = 0o600
)

// openDataDirectory makes the directory if it is not there, and refuses the beginning
// of a backup or import.
func openDataDirectory(path string) (dataDirectory, error) {
	d := dataDirectory{path}
	if err := d.finished(); err != nil {
		return d, err
	}
	return d, d.make()
}

func (d dataDirectory) make() error {
	for _, each := range []string{d.path, d.snapshots()} {
		if err := os.MkdirAll(each, directoryMode); err != nil {
			return fmt.Errorf("make the data directory: %w", err)
		}
	}
	return nil
}

// manyLevels is more than a path has of directories and links in use.
const manyLevels = 4096

// holds tells whether a file that is there, or is to be, is within the directory.
func (d dataDirectory) holds(path string) bool {
	root, err := os.Stat(d.path)
	if err != nil {
		return false
	}
	path, err = filepath.Abs(path)
	for range manyLevels {
		if err != nil {
			return false
		}
		above := filepath.Dir(path)
		if target, err := os.Readlink(path); err == nil { // also where that is not there yet
			if resolved, err := filepath.EvalSymlinks(above); err == nil {
				above = resolved
			}
			if !filepath.IsAbs(target) {
				target = filepath.Join(above, target)
			}
			path = target
			continue
		}
		if info, err := os.Stat(path); err == nil && os.SameFile(info, root) {
			return true
		}
		if above == path {
			break
		}
		path = above
	}
	return false
}

// open tells whether others than the owner may look into the directory.
func (d dataDirectory) open() bool {
	info, err := os.Stat(d.path)
	return err == nil && info.Mode().Perm()&^directoryMode != 0
}

func (d dataDirectory) log() string          { return filepath.Join(d.path, "log") }
func (d dataDirectory) snapshots() string    { return filepath.Join(d.path, "snapshots") }
func (d dataDirectory) file(n string) string { return filepath.Join(d.path, n) }

// readSecret reads a small file; absent tells that there is none.
func (d dataDirectory) readSecret(name string) (text string, absent bool, err error) {
	raw, err := os.ReadFile(d.file(name))
	if errors.Is(err, os.ErrNotExist) {
		return "", true, nil
	}
	return string(raw), false, err
}

// create makes a small file that is there whole or not at all, also after a
// crash. It fails with os.ErrExist if there is one.
func (d dataDirectory) create(name, text string, mode os.FileMode) (err error) {
	return d.place(name, text, mode, os.Link)
}

// replace makes a small file in place of one that may be there.
func (d dataDirectory) replace(name, text string, mode os.FileMode) error {
	return d.place(name, text, mode, os.Rename)
}

func (d dataDirectory) place(name, text string, mode os.FileMode, put func(from, to string) error) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("write %s: %w", name, err)
		}
	}()
	temporary, err := os.CreateTemp(d.path, name+".*.tmp")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(temporary.Name()) }()
	_, err = temporary.WriteString(text)
	if err := errors.Join(err, temporary.Chmod(mode), temporary.Sync(), temporary.Close()); err != nil {
		return err
	}
	if err := put(temporary.Name(), d.file(name)); err != nil {
		return err
	}
	return d.sync()
}

func (d dataDirectory) sync() error {
	directory, err := os.Open(d.path)
	if err != nil {
		return err
	}
	return errors.Join(directory.Sync(), directory.Close())
}
