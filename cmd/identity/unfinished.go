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
	return d.lacks(unfinishedImport, "import, or one is under way: import into it again, to the end of the file, or remove "+d.file(unfinishedImport)+" to take what is there for all")
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

// beginImport notes that the directory is not whole. Whoever calls it has the lock of
// its log, in which there is nothing: else that would be taken for the log of a
// directory which is to begin.
func (d dataDirectory) beginImport() error {
	err := d.create(unfinishedImport, "this is not all of the directory that is imported: import into it again\n", secretMode)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	return err
}

// endImport notes that the directory is whole.
func (d dataDirectory) endImport() error {
	if err := errors.Join(os.Remove(d.file(unfinishedImport)), d.sync()); err != nil {
		return fmt.Errorf("finish the import: %w", err)
	}
	return nil
}
