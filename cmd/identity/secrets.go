package main

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/httpapi"
)

const (
	claimFile = "claim.key"
	adminFile = "admin.key"
	// minAdminKey is how long an admin key is at least, in characters.
	minAdminKey = 32
	adminVar    = "IDENTITY_ADMIN_KEY"
)

// errSecretLost tells an operator what is missing and what to do.
var errSecretLost = errors.New("claim.key is missing, and the unique values of this store are hashed under it: " +
	"put the file back from a copy of the data directory; no other one will do")

// claimSecret reads the secret under which unique values are hashed, or makes it
// for a store that is new.
func (d dataDirectory) claimSecret(newStore bool) (domain.ClaimSecret, error) {
	text, absent, err := d.readSecret(claimFile)
	if err != nil {
		return domain.ClaimSecret{}, err
	}
	if absent {
		if !newStore {
			return domain.ClaimSecret{}, errSecretLost
		}
		return d.makeClaimSecret()
	}
	secret, err := parseClaimSecret(text)
	if err != nil {
		return secret, fmt.Errorf("%s %w: put the file back from a copy", d.file(claimFile), err)
	}
	return secret, nil
}

// parseClaimSecret reads a secret; the error says what it is not.
func parseClaimSecret(text string) (domain.ClaimSecret, error) {
	raw, err := hex.DecodeString(strings.TrimSpace(text))
	if err != nil || len(raw) != len(domain.ClaimSecret{}) {
		return domain.ClaimSecret{}, fmt.Errorf("is not %d hexadecimal digits", 2*len(domain.ClaimSecret{}))
	}
	return domain.ClaimSecret(raw), nil
}

// givenSecret is the claim secret of the directory that is copied, in the file or, where
// that is absent, in the environment. Two that differ are not chosen between.
func (d dataDirectory) givenSecret(of string) (text string, absent bool, err error) {
	text, absent, err = d.readSecret(claimFile)
	switch given := os.Getenv(claimVar); {
	case err != nil:
	case absent:
		text = given
	case given != "" && strings.TrimSpace(given) != strings.TrimSpace(text):
		err = fmt.Errorf("%s says another claim secret than %s: remove the one that is not of the %s", d.file(claimFile), claimVar, of)
	}
	return text, absent, err
}

func (d dataDirectory) makeClaimSecret() (domain.ClaimSecret, error) {
	var secret domain.ClaimSecret
	_, _ = rand.Read(secret[:]) // it never fails
	return secret, d.keepClaimSecret(secret)
}

func (d dataDirectory) keepClaimSecret(secret domain.ClaimSecret) error {
	return d.create(claimFile, hex.EncodeToString(secret[:])+"\n", secretMode)
}

// adminKey reads the admin key of the directory, or makes it.
func (d dataDirectory) adminKey() (string, error) {
	key, absent, err := d.readAdminKey()
	if err != nil || !absent {
		return key, err
	}
	var random [32]byte
	_, _ = rand.Read(random[:]) // it never fails
	key = "ida_" + base64.RawURLEncoding.EncodeToString(random[:])
	return key, d.create(adminFile, key+"\n", secretMode)
}

func (d dataDirectory) readAdminKey() (key string, absent bool, err error) {
	text, absent, err := d.readSecret(adminFile)
	if err != nil || absent {
		return "", absent, err
	}
	key = strings.TrimSpace(text)
	if len([]rune(key)) < minAdminKey {
		return "", false, fmt.Errorf("%s holds less than %d characters: delete the file, and another key is made", d.file(adminFile), minAdminKey)
	}
	return key, false, nil
}

// adminKeyOfEnvironment gives the admin key that the environment brings, if any.
func adminKeyOfEnvironment() (string, error) {
	key, set := os.LookupEnv(adminVar)
	switch {
	case !set || key == "":
		return "", nil
	case len([]rune(key)) < minAdminKey:
		return "", misused("%s: at least %d characters are needed", adminVar, minAdminKey)
	case len(key) > httpapi.MaxKey:
		return "", misused("%s: at most %d characters are taken", adminVar, httpapi.MaxKey)
	case strings.ContainsFunc(key, func(c rune) bool { return c <= ' ' || c > '~' }):
		return "", misused("%s: only visible ASCII characters can be sent in a header", adminVar)
	}
	return key, nil
}
