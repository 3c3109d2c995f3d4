package queries

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/seed5b6a70b4/identity/domain"
)

// maxCursor is the longest cursor that is read, in bytes of text. The longest
// that is made holds the longest filters and the longest name.
const maxCursor = 8 << 10

const (
	cursorVersion = 1
	nonceSize     = 12
)

// sealer makes cursors: places in lists and their filters, which may be personal
// data and travel in URLs, so that nobody but the directory can read or make one.
//
// As bytes, before base64url: version, nonce, AES-256-GCM of the place, with
// version and scope authenticated beside it. The nonce is the start of the
// place's HMAC: equal cursors are equal places, and no counter or luck is needed
// to never use a nonce for two.
type sealer struct {
	aead     cipher.AEAD
	nonceKey []byte
}

func newSealer(secret domain.ClaimSecret) (*sealer, error) {
	derived, err := hkdf.Key(sha256.New, secret[:], nil, "identity cursors 1", 64)
	if err != nil {
		return nil, fmt.Errorf("derive the key of cursors: %w", err)
	}
	block, err := aes.NewCipher(derived[:32])
	if err != nil {
		return nil, fmt.Errorf("derive the key of cursors: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("derive the key of cursors: %w", err)
	}
	return &sealer{aead: aead, nonceKey: derived[32:]}, nil
}

// seal makes a cursor that only open with the same scope reads.
func (s *sealer) seal(scope string, place []byte) string {
	mac := hmac.New(sha256.New, s.nonceKey)
	fmt.Fprintf(mac, "%d %s\x00", len(scope), scope)
	mac.Write(place)
	nonce := mac.Sum(nil)[:nonceSize]
	raw := append([]byte{cursorVersion}, nonce...)
	return base64.RawURLEncoding.EncodeToString(s.aead.Seal(raw, nonce, place, beside(scope)))
}

func beside(scope string) []byte { return append([]byte{cursorVersion}, scope...) }

// open reads a cursor of a scope; any other text is domain.Invalid.
func (s *sealer) open(scope, cursor string) ([]byte, error) {
	place, err := s.unseal(scope, cursor)
	if err != nil {
		return nil, badCursor()
	}
	return place, nil
}

func (s *sealer) unseal(scope, cursor string) ([]byte, error) {
	if len(cursor) > maxCursor {
		return nil, errors.New("too long")
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil {
		return nil, err
	}
	if len(raw) < 1+nonceSize+s.aead.Overhead() || raw[0] != cursorVersion {
		return nil, errors.New("not a cursor")
	}
	return s.aead.Open(nil, raw[1:1+nonceSize], raw[1+nonceSize:], beside(scope))
}

func badCursor() error {
	return domain.RefuseField("cursor", "must be the next of an earlier answer to the same query")
}
