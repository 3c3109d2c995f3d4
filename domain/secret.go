package domain

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
)

// KeySecret is the text of an API key as its holder sends it:
// idk_<key id>_<256 random bits in the URL-safe base64 alphabet>. It prints as a
// placeholder, so that it does not get into logs.
type KeySecret struct {
	id   KeyID
	text string
}

const (
	secretPrefix = "idk_"
	secretBytes  = 32
)

var secretLength = len(secretPrefix) + 36 + len("_") + base64.RawURLEncoding.EncodedLen(secretBytes)

// NewKeySecret makes the secret of a key from random bits.
func NewKeySecret(id KeyID, random [secretBytes]byte) KeySecret {
	return KeySecret{id, secretPrefix + id.UUID.String() + "_" + base64.RawURLEncoding.EncodeToString(random[:])}
}

// ParseKeySecret reads a secret. That it is well-formed says nothing about
// whether there is such a key. The error holds nothing of the text.
func ParseKeySecret(text string) (KeySecret, error) {
	malformed := fmt.Errorf("%w: not the text of an API key", Invalid)
	rest, found := strings.CutPrefix(text, secretPrefix)
	if !found || len(text) != secretLength || rest[36] != '_' {
		return KeySecret{}, malformed
	}
	id, err := ParseID[APIKey](rest[:36])
	if err != nil {
		return KeySecret{}, malformed
	}
	if _, err := base64.RawURLEncoding.Strict().DecodeString(rest[37:]); err != nil {
		return KeySecret{}, malformed
	}
	return KeySecret{id, text}, nil
}

// ID is the key's.
func (s KeySecret) ID() KeyID { return s.id }

// Hash is what APIKey.Hash of the key must be: hex of the SHA-256 of the text.
func (s KeySecret) Hash() string {
	sum := sha256.Sum256([]byte(s.text))
	return hex.EncodeToString(sum[:])
}

// Reveal is the secret itself.
func (s KeySecret) Reveal() string { return s.text }

// String hides the secret.
func (s KeySecret) String() string { return secretPrefix + "…" }

// GoString hides the secret.
func (s KeySecret) GoString() string { return s.String() }
