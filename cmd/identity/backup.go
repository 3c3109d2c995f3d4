package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/seed5b6a70b4/identity/eventstream/logstore"
)

// backupCommand copies a data directory, also while it is served.
type backupCommand struct {
	dataFlags `embed:""`
	Dir       string `arg:"" name:"dir" help:"Where the copy goes: a directory that is empty or not there, or that has an unfinished backup."`
}

// Run copies what cannot be derived: the log and the claim secret.
func (b *backupCommand) Run(c *console) error {
	if err := b.check(); err != nil {
		return err
	}
	switch {
	case b.Store == dynamoStore:
		return misused("--store dynamodb: tables are copied by DynamoDB's own backups, see init --restored, or with `identity export`")
	case b.Dir == "":
		return misused("DIR: a directory is needed")
	}
	if err := b.existing(); err != nil {
		return err
	}
	from, to := dataDirectory{b.Data}, dataDirectory{b.Dir}
	if from.holds(b.Dir) {
		return misused("DIR: %s is in the data directory itself", b.Dir)
	}
	secret, absent, err := from.readSecret(claimFile)
	if err == nil && absent {
		err = errSecretLost
	}
	if err == nil {
		err = to.beginBackup()
	}
	if err != nil {
		return err
	}
	meter := newMeter(c.err)
	err = logstore.Copy(c.ctx, from.log(), to.log(), func(done, total uint64) { meter.show("copying the log", done, total) })
	meter.finish()
	if err == nil {
		err = to.create(claimFile, secret, secretMode)
	}
	if err == nil {
		err = to.markNewLife()
	}
	if err != nil {
		return err
	}
	transactions, commits, err := readAgain(c, meter, to)
	if err != nil {
		return err
	}
	if err := errors.Join(os.Remove(to.file(unfinishedBackup)), to.sync()); err != nil {
		return fmt.Errorf("finish the backup: %w", err)
	}
	_, err = fmt.Fprintf(c.out, "%s holds %d transactions, %d commits; served, it begins an epoch of its own\n", b.Dir, transactions, commits)
	return err
}

// beginBackup makes the directory of a copy, empty but for a file that says that it
// is not whole.
func (d dataDirectory) beginBackup() error {
	if err := os.MkdirAll(d.path, directoryMode); err != nil {
		return fmt.Errorf("make the directory of the backup: %w", err)
	}
	entries, err := os.ReadDir(d.path)
	if err != nil {
		return fmt.Errorf("look into the directory of the backup: %w", err)
	}
	_, absent, err := d.readSecret(unfinishedBackup)
	switch {
	case err != nil:
		return err
	case absent && len(entries) > 0:
		return fmt.Errorf("%s is not empty, and holds no unfinished backup: name another directory", d.path)
	case absent:
		if err := d.create(unfinishedBackup, "this is not a whole backup: run it again\n", secretMode); err != nil {
			return err
		}
	}
	for _, entry := range entries {
		if entry.Name() == unfinishedBackup {
			continue
		}
		if err := os.RemoveAll(filepath.Join(d.path, entry.Name())); err != nil {
			return fmt.Errorf("clear an unfinished backup: %w", err)
		}
	}
	return nil
}

// readAgain reads the log of a copy: every checksum, and that nothing is missing.
func readAgain(c *console, meter *meter, copied dataDirectory) (transactions, commits uint64, err error) {
	for transaction, err := range logstore.Scan(c.ctx, copied.log()) {
		if err != nil {
			return 0, 0, fmt.Errorf("read the copy again: %w: if a second backup says so too, what is copied is damaged: run `identity verify` on it", err)
		}
		transactions++
		commits += uint64(len(transaction))
		meter.show("reading the copy", transactions, transactions)
	}
	meter.finish()
	return transactions, commits, nil
}
