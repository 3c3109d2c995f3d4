package eventstream

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"

	"github.com/google/uuid"
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

// NewToken makes a token of positions, the highest for each stream.
func NewToken(positions ...Position) Token {
	token := slices.Clone(positions)
	slices.SortFunc(token, func(a, b Position) int {
		if order := strings.Compare(string(a.Stream), string(b.Stream)); order != 0 || a.Seq == b.Seq {
			return order
		}
		if a.Seq > b.Seq {
			return -1
		}
		return 1
	})
	return slices.CompactFunc(token, func(a, b Position) bool { return a.Stream == b.Stream })
}

// Merge gives the token that is at least as far as both everywhere. It is
// commutative, associative and idempotent.
func (t Token) Merge(other Token) Token {
	return NewToken(append(slices.Clone(t), other...)...)
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

const tokenVersion = 1

// tokenKinds gives each kind of stream that tokens name its number on the wire.
// Numbers are never reused.
var tokenKinds = []Kind{"", UserKind, UsersKind, GroupKind, GroupsKind, MemberKind, NestingKind, KeyKind, ChangesKind, LogKind, ClaimKind, RequestKind, StoreKind}

// Encode writes the token as text of the URL-safe base64 alphabet: version,
// epoch, number of positions, the positions and a CRC-32C. Equal tokens of one
// epoch have equal text.
//
//	version   1 byte    1
//	epoch     8 bytes
//	count     uvarint   at most MaxTokenPositions
//	position  kind: 1 byte; id: 16 bytes (user, group, key), 32 (member),
//	          uvarint (users, groups, changes), none (nesting, log); seq: uvarint
//	checksum  4 bytes   CRC-32C of all before, big-endian
func (t Token) Encode(epoch Epoch) (string, error) {
	if len(t) > MaxTokenPositions {
		return "", fmt.Errorf("%w: %d positions, more than %d", ErrMalformedToken, len(t), MaxTokenPositions)
	}
	raw := make([]byte, 0, 64)
	raw = append(raw, tokenVersion)
	raw = append(raw, epoch[:]...)
	raw = binary.AppendUvarint(raw, uint64(len(t)))
	for _, position := range t {
		var err error
		if raw, err = appendPosition(raw, position); err != nil {
			return "", err
		}
	}
	raw = binary.BigEndian.AppendUint32(raw, crc32.Checksum(raw, castagnoli))
	return base64.RawURLEncoding.EncodeToString(raw), nil
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func appendPosition(raw []byte, position Position) ([]byte, error) {
	kind := position.Stream.Kind()
	number := slices.Index(tokenKinds, kind)
	if number < 1 {
		return nil, fmt.Errorf("%w: cannot name a stream of kind %s", ErrMalformedToken, kind)
	}
	raw = append(raw, byte(number))
	switch kind {
	case UserKind, GroupKind, KeyKind, MemberKind:
		ids := position.Stream.UUIDs()
		if ids == nil {
			return nil, fmt.Errorf("%w: malformed id of a stream of kind %s", ErrMalformedToken, kind)
		}
		for _, id := range ids {
			raw = append(raw, id[:]...)
		}
	case UsersKind, GroupsKind, ChangesKind:
		shard, err := position.Stream.Shard()
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrMalformedToken, err)
		}
		raw = binary.AppendUvarint(raw, uint64(shard))
	case NestingKind, LogKind:
	default:
		return nil, fmt.Errorf("%w: cannot name a stream of kind %s", ErrMalformedToken, kind)
	}
	return binary.AppendUvarint(raw, uint64(position.Seq)), nil
}

// DecodeToken reads a token of the epoch. The error is ErrMalformedToken or
// ErrForeignToken, and holds nothing of the text. Only what Encode writes is
// accepted, to the bit.
func DecodeToken(text string, epoch Epoch) (Token, error) {
	if len(text) > MaxTokenBytes {
		return nil, fmt.Errorf("%w: longer than %d bytes", ErrMalformedToken, MaxTokenBytes)
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(raw) < 1+len(epoch)+1+4 || raw[0] != tokenVersion {
		return nil, ErrMalformedToken
	}
	body, sum := raw[:len(raw)-4], binary.BigEndian.Uint32(raw[len(raw)-4:])
	if crc32.Checksum(body, castagnoli) != sum {
		return nil, ErrMalformedToken
	}
	if Epoch(body[1:1+len(epoch)]) != epoch {
		return nil, ErrForeignToken
	}
	token, err := decodePositions(body[1+len(epoch):])
	if err != nil {
		return nil, err
	}
	if again, err := token.Encode(epoch); err != nil || again != text {
		return nil, ErrMalformedToken
	}
	return token, nil
}

func decodePositions(body []byte) (Token, error) {
	count, size := binary.Uvarint(body)
	if size <= 0 || count > MaxTokenPositions {
		return nil, ErrMalformedToken
	}
	body = body[size:]
	token := make(Token, 0, count)
	for range count {
		position, rest, err := decodePosition(body)
		if err != nil {
			return nil, err
		}
		if len(token) > 0 && token[len(token)-1].Stream >= position.Stream {
			return nil, ErrMalformedToken
		}
		token, body = append(token, position), rest
	}
	if len(body) > 0 {
		return nil, ErrMalformedToken
	}
	return token, nil
}

func decodePosition(body []byte) (Position, []byte, error) {
	if len(body) == 0 || int(body[0]) >= len(tokenKinds) {
		return Position{}, nil, ErrMalformedToken
	}
	kind := tokenKinds[body[0]]
	body = body[1:]
	stream := StreamID(kind)
	switch kind {
	case UserKind, GroupKind, KeyKind, MemberKind:
		ids := 1
		if kind == MemberKind {
			ids = 2
		}
		if len(body) < 16*ids {
			return Position{}, nil, ErrMalformedToken
		}
		for range ids {
			stream += StreamID("/" + uuid.UUID(body[:16]).String())
			body = body[16:]
		}
	case UsersKind, GroupsKind, ChangesKind:
		shard, size := binary.Uvarint(body)
		if size <= 0 || shard >= 1<<31 {
			return Position{}, nil, ErrMalformedToken
		}
		stream += StreamID(fmt.Sprintf("/%d", shard))
		body = body[size:]
	case NestingKind, LogKind:
	default:
		return Position{}, nil, ErrMalformedToken
	}
	seq, size := binary.Uvarint(body)
	if size <= 0 || seq == 0 {
		return Position{}, nil, ErrMalformedToken
	}
	return Position{stream, Seq(seq)}, body[size:], nil
}
