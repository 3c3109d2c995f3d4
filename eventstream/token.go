package eventstream

import (
	"cmp"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
)

// Epoch is one life of a store: a restored or promoted store has another, so
// that tokens of the old one are recognised instead of misread.
type Epoch [8]byte

// ParseEpoch reads an epoch as String writes it.
func ParseEpoch(text string) (Epoch, error) {
	raw, err := hex.DecodeString(text)
	if err != nil || len(raw) != len(Epoch{}) {
		return Epoch{}, errors.New("an epoch is 16 hexadecimal digits")
	}
	return Epoch(raw), nil
}

// String is the epoch in hexadecimal.
func (e Epoch) String() string { return hex.EncodeToString(e[:]) }

// Token is a set of positions: for each stream that it names, how far it has
// got. Its positions are sorted by stream, each stream named once. It is the
// entity tag and the consistency token of the deck. The zero Token names none.
type Token []Position

// Limits of a token.
const (
	MaxTokenPositions = 32
	MaxTokenBytes     = 2 << 10 // as text
)

// The ways in which the text of a token is refused.
var (
	// ErrMalformedToken: it is none of ours, or was cut or altered.
	ErrMalformedToken = errors.New("malformed token")
	// ErrForeignToken: it is of another life of the store, or of another store.
	ErrForeignToken = errors.New("token of another epoch")
)

// NewToken makes a token of positions, the highest for each stream. A position
// before the first commit names nothing and is left out.
func NewToken(positions ...Position) Token { return canonical(slices.Clone(positions)) }

// Merge gives the token that is at least as far as both everywhere. It is
// commutative, associative and idempotent.
func (t Token) Merge(other Token) Token { return canonical(slices.Concat(t, other)) }

// canonical sorts positions in place and keeps the highest of each stream.
func canonical(positions []Position) Token {
	slices.SortFunc(positions, func(a, b Position) int {
		return cmp.Or(strings.Compare(string(a.Stream), string(b.Stream)), -cmp.Compare(a.Seq, b.Seq))
	})
	positions = slices.CompactFunc(positions, func(a, b Position) bool { return a.Stream == b.Stream })
	return slices.DeleteFunc(positions, func(p Position) bool { return p.Seq == 0 })
}

// Covers tells whether the token is at least as far as the other one in every
// stream that the other one names.
func (t Token) Covers(other Token) bool {
	for _, position := range other {
		if t.Seq(position.Stream) < position.Seq {
			return false
		}
	}
	return true
}

// Seq is how far the token has got in a stream; 0 if it does not name it.
func (t Token) Seq(stream StreamID) Seq {
	at, found := slices.BinarySearchFunc(t, stream, func(p Position, s StreamID) int {
		return strings.Compare(string(p.Stream), string(s))
	})
	if !found {
		return 0
	}
	return t[at].Seq
}
