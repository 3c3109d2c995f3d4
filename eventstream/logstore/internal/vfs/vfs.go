// Package vfs is the little that the log needs of a file system: one directory
// of files that are read and written in place. Tests put faults and crashes
// between it and the disk.
package vfs

import (
	"errors"
	"io"
	"os"
	"path/filepath"
)

// FS is one directory.
type FS interface {
	// Open opens a file that exists, for reading and writing.
	Open(name string) (File, error)
	// OpenReadOnly opens a file that exists, for reading.
	OpenReadOnly(name string) (File, error)
	// Create makes a file, or empties the one there is.
	Create(name string) (File, error)
	// Rename gives a file another name, replacing what had it.
	Rename(from, to string) error
	// Remove takes a file away.
	Remove(name string) error
	// List gives the names of all files, in no order.
	List() ([]string, error)
	// SyncDir makes creations, renames and removals durable.
	SyncDir() error
	// Free tells how many bytes may still be written.
	Free() (uint64, error)
}

// File is an open file.
type File interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	// Size is the file's length.
	Size() (int64, error)
	// Truncate cuts or extends the file; what it extends reads as zeros.
	Truncate(size int64) error
	// Allocate extends the file to a size and reserves the room for it.
	Allocate(size int64) error
	// Sync makes what was written durable, and as much of the file's metadata as
	// is needed to read it again.
	Sync() error
}

// OS is a directory of the operating system.
func OS(dir string) FS { return directory(dir) }

type directory string

func (d directory) path(name string) string { return filepath.Join(string(d), name) }

func (d directory) open(name string, flag int) (File, error) {
	opened, err := os.OpenFile(d.path(name), flag, 0o600)
	if err != nil {
		return nil, err
	}
	return file{opened}, nil
}

func (d directory) Open(name string) (File, error)         { return d.open(name, os.O_RDWR) }
func (d directory) OpenReadOnly(name string) (File, error) { return d.open(name, os.O_RDONLY) }
func (d directory) Create(name string) (File, error) {
	return d.open(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC)
}
func (d directory) Rename(from, to string) error { return os.Rename(d.path(from), d.path(to)) }
func (d directory) Remove(name string) error     { return os.Remove(d.path(name)) }

func (d directory) List() ([]string, error) {
	entries, err := os.ReadDir(string(d))
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, len(entries))
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names, nil
}

func (d directory) SyncDir() error {
	opened, err := os.Open(string(d))
	if err != nil {
		return err
	}
	return errors.Join(opened.Sync(), opened.Close())
}

type file struct{ *os.File }

func (f file) Size() (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}
