package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/seed5b6a70b4/identity/commands"
	"github.com/seed5b6a70b4/identity/domain"
)

// newLifeFile tells that the data directory is a copy of another's, and has yet to
// begin an epoch of its own: tokens of the other must not be taken for its own.
const newLifeFile = "new-life"

// markNewLife has the next who opens the directory begin an epoch.
func (d dataDirectory) markNewLife() error {
	err := d.create(newLifeFile, "a copy: an epoch of its own begins when it is opened\n", secretMode)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	return err
}

// beginNewLife begins an epoch if one is due, unless somebody only looks. Cut off, it begins another one the next
// time.
func (b *embedded) beginNewLife(ctx context.Context, secret domain.ClaimSecret) error {
	_, absent, err := b.data.readSecret(newLifeFile)
	if err != nil || absent || b.settings.looking {
		return err
	}
	if b.directory, err = commands.BeginEpoch(ctx, b.streams, secret); err != nil {
		return err
	}
	b.settings.log.Info("a copy begins an epoch of its own; tokens of the directory that it was made from are refused", "epoch", b.directory.Epoch.String())
	if err := os.Remove(b.data.file(newLifeFile)); err != nil {
		return fmt.Errorf("begin the life of a copy: %w", err)
	}
	return b.data.sync()
}
