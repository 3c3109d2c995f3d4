package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/seed5b6a70b4/identity/commands"
	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// bringFollowedSecret has the directory keep the claim secret of the one that it
// follows, which a first commit begins.
func (d dataDirectory) bringFollowedSecret(first *eventstream.Commit) error {
	text, absent, err := d.givenSecret("followed directory")
	if err != nil {
		return err
	}
	secret, err := followedSecret(first, text)
	if err != nil {
		return fmt.Errorf("%w: set %s to that of the followed directory, or put its %s into %s", err, claimVar, claimFile, d.path)
	}
	if absent {
		err = d.keepClaimSecret(secret)
	}
	return err
}

func followedSecret(first *eventstream.Commit, text string) (domain.ClaimSecret, error) {
	if text == "" {
		return domain.ClaimSecret{}, errors.New("the claim secret is missing, under which the unique values of the followed directory are hashed")
	}
	secret, err := parseClaimSecret(text)
	if err != nil {
		return secret, fmt.Errorf("the claim secret %w", err)
	}
	return secret, commands.CheckCopied(first, secret)
}

// unborn refuses the data of a replica that has not got what it begins with: opened as a
// directory, it would be taken for one that has lost its secret, or begun as one of its
// own.
func (b *embedded) unborn(ctx context.Context, empty bool) error {
	record, err := b.records().load(ctx)
	if err != nil || record == nil {
		return err
	}
	_, absent, err := b.data.readSecret(claimFile)
	if err != nil || !empty && !absent {
		return err
	}
	if record.Here {
		lived, err := lives(ctx, b.streams)
		if err != nil {
			return err
		}
		if len(lived) > 0 && lived[len(lived)-1] != record.Epoch {
			return nil // it has taken over since: the secret that it lacks is lost
		}
	}
	return fmt.Errorf("this is what a replica of %s has begun with, and not finished: go on with `identity replicate --from %s`, or take another data directory", record.Source, record.Source)
}
