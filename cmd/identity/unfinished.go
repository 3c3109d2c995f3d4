package main

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// Each is in a data directory until what makes it is done: what is there is not all
// that there is to be.
const (
	unfinishedBackup = "backup-unfinished"
	unfinishedImport = "import-unfinished"
)

// finished refuses the beginning of a backup, which the next backup clears, and of an
// import, which the next import goes on with.
func (d dataDirectory) finished() error {
	if err := d.backedUp(); err != nil {
		return err
	}
	return d.lacks(unfinishedImport, "import: import into it again, to the end of the file, or remove "+d.file(unfinishedImport)+" to take what is there for all")
}

func (d dataDirectory) backedUp() error {
	return d.lacks(unfinishedBackup, "backup: run backup into it again, or name another directory")
}

func (d dataDirectory) lacks(unfinished, of string) error {
	_, absent, err := d.readSecret(unfinished)
	if errors.Is(err, syscall.ENOTDIR) {
		return nil // making the directory tells
	}
	if err == nil && !absent {
		err = fmt.Errorf("%s is an unfinished %s", d.path, of)
	}
	return err
}

// openToImport makes the directory if it is not there. A new one is noted not to be
// whole before it has a log: an empty log is taken for that of a directory which is to
// begin.
func openToImport(path string) (dataDirectory, error) {
	d := dataDirectory{path}
	if err := d.backedUp(); err != nil {
		return d, err
	}
	if err := d.make(); err != nil {
		return d, err
	}
	if _, err := os.Stat(d.log()); !errors.Is(err, os.ErrNotExist) {
		return d, err
	}
	return d, d.beginImport()
}

func (d dataDirectory) beginImport() error {
	err := d.create(unfinishedImport, "this is not all of the directory that is imported: import into it again\n", secretMode)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	return err
}

// endImport notes that the directory is whole, or was before the import.
func (d dataDirectory) endImport() error {
	err := os.Remove(d.file(unfinishedImport))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err = errors.Join(err, d.sync()); err != nil {
		return fmt.Errorf("finish the import: %w", err)
	}
	return nil
}
