package main

import (
	"errors"
	"fmt"

	"github.com/seed5b6a70b4/identity/commands"
	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// copiedSecret makes sure that a secret is that of the directory which a first
// transaction begins. Another way to bring it is for the error.
func copiedSecret(first []eventstream.Commit, text, or string) (domain.ClaimSecret, error) {
	if len(first) != 1 || first[0].Stream != eventstream.StoreStream || first[0].Seq != 1 {
		return domain.ClaimSecret{}, &eventstream.ImportError{Position: first[0].Position(), Kind: errNoBeginning}
	}
	if err := eventstream.CheckSealed(first); err != nil {
		return domain.ClaimSecret{}, err
	}
	if text == "" {
		return domain.ClaimSecret{}, fmt.Errorf("the claim secret is missing, under which the unique values in the file are hashed: set %s to that of the directory that was exported%s", claimVar, or)
	}
	secret, err := parseClaimSecret(text)
	if err != nil {
		return secret, fmt.Errorf("the claim secret %w: set %s to that of the directory that was exported%s", err, claimVar, or)
	}
	if err := commands.CheckCopied(&first[0], secret); err != nil {
		return secret, fmt.Errorf("%w: the unique values in the file are hashed under another: set %s to that of the directory that was exported%s", err, claimVar, or)
	}
	return secret, nil
}

var errNoBeginning = errors.New("is not what a directory begins with, and there is none that it could continue")
