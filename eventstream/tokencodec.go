package eventstream

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"slices"

	"github.com/google/uuid"
)

const (
	tokenVersion  = 1
	tokenHead     = 1 + len(Epoch{}) // version and epoch
	tokenChecksum = 4
)

// tokenKinds gives each kind of stream that tokens name its number on the wire.
// Numbers are never reused.
var tokenKinds = []Kind{1: UserKind, 2: UsersKind, 3: GroupKind, 4: GroupsKind, 5: MemberKind, 6: NestingKind, 7: KeyKind, 8: ChangesKind, 9: LogKind}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Encode writes the token as text of the URL-safe base64 alphabet: version,
// epoch, number of positions, the positions and a CRC-32C. Equal tokens of one
// epoch have equal text. A token that is not sorted, or names what tokens cannot
// name, is ErrMalformedToken.
//
//	version   1 byte    1
//	epoch     8 bytes
//	count     uvarint   at most MaxTokenPositions
//	position  kind: 1 byte; id: 16 bytes (user, group, key), 32 (member),
//	          uvarint (users, groups, changes), none (nesting, log); seq: uvarint
//	checksum  4 bytes   CRC-32C of all before, big-endian
func (t Token) Encode(epoch Epoch) (string, error) {
	var room [256]byte
	text, err := t.AppendEncode(room[:0], epoch)
	return string(text), err
}

// AppendEncode appends to a buffer what Encode writes; after an error, nothing.
// It allocates nothing where the buffer has room for twice of that.
func (t Token) AppendEncode(to []byte, epoch Epoch) ([]byte, error) {
	// The bytes are written where the text will be, and then moved out of its way:
	// the checksum's function would make an array of our own escape.
	raw := append(to, tokenVersion)
	raw = append(raw, epoch[:]...)
	raw, err := appendPositions(raw, t)
	if err != nil {
		return to, err
	}
	raw = binary.BigEndian.AppendUint32(raw, crc32.Checksum(raw[len(to):], castagnoli))
	text := base64.RawURLEncoding.AppendEncode(raw, raw[len(to):])
	return append(text[:len(to)], text[len(raw):]...), nil
}

func appendPositions(raw []byte, t Token) ([]byte, error) {
	if len(t) > MaxTokenPositions {
		return nil, fmt.Errorf("%w: %d positions, more than %d", ErrMalformedToken, len(t), MaxTokenPositions)
	}
	raw = binary.AppendUvarint(raw, uint64(len(t)))
	for i, position := range t {
		if position.Seq == 0 || i > 0 && t[i-1].Stream >= position.Stream {
			return nil, fmt.Errorf("%w: positions are not sorted, or name nothing", ErrMalformedToken)
		}
		var err error
		if raw, err = appendPosition(raw, position); err != nil {
			return nil, err
		}
	}
	return raw, nil
}

func appendPosition(raw []byte, position Position) ([]byte, error) {
	kind := position.Stream.Kind()
	number := slices.Index(tokenKinds, kind)
	if number < 1 {
		return nil, fmt.Errorf("%w: cannot name a stream of kind %s", ErrMalformedToken, kind)
	}
	raw = append(raw, byte(number))
	var named bool
	switch kind {
	case UserKind, GroupKind, KeyKind:
		var id uuid.UUID
		id, named = position.Stream.UUID()
		raw = append(raw, id[:]...)
	case MemberKind:
		var group, member uuid.UUID
		group, member, named = position.Stream.Edge()
		raw = append(append(raw, group[:]...), member[:]...)
	case UsersKind, GroupsKind, ChangesKind:
		shard, err := position.Stream.Shard()
		named = err == nil
		raw = binary.AppendUvarint(raw, uint64(shard))
	default:
		named = string(position.Stream) == string(kind)
	}
	if !named {
		return nil, fmt.Errorf("%w: malformed id of a stream of kind %s", ErrMalformedToken, kind)
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
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(raw) < tokenHead+1+tokenChecksum || raw[0] != tokenVersion {
		return nil, ErrMalformedToken
	}
	body, sum := raw[:len(raw)-tokenChecksum], binary.BigEndian.Uint32(raw[len(raw)-tokenChecksum:])
	if crc32.Checksum(body, castagnoli) != sum {
		return nil, ErrMalformedToken
	}
	found := Epoch(body[1:tokenHead])
	token, err := decodePositions(body[tokenHead:])
	if err != nil {
		return nil, err
	}
	// Base64 and varints have more than one way to write the same; one is ours.
	again := make([]byte, 0, len(raw)+len(text))
	if written, err := token.AppendEncode(again, found); err != nil || string(written) != text {
		return nil, ErrMalformedToken
	}
	if found != epoch {
		return nil, ErrForeignToken
	}
	return token, nil
}

func decodePositions(body []byte) (Token, error) {
	token, rest, err := decodeSome(body)
	if err == nil && len(rest) > 0 {
		err = ErrMalformedToken
	}
	return token, err
}

// decodeSome reads positions, and gives what stands behind them.
func decodeSome(body []byte) (Token, []byte, error) {
	count, size := binary.Uvarint(body)
	if size <= 0 || count > MaxTokenPositions {
		return nil, nil, ErrMalformedToken
	}
	body = body[size:]
	token := make(Token, 0, count)
	for range count {
		position, rest, ok := decodePosition(body)
		if !ok {
			return nil, nil, ErrMalformedToken
		}
		token, body = append(token, position), rest
	}
	return token, body, nil
}

func decodePosition(body []byte) (position Position, rest []byte, ok bool) {
	if len(body) == 0 || int(body[0]) >= len(tokenKinds) {
		return Position{}, nil, false
	}
	stream, body, ok := decodeStream(tokenKinds[body[0]], body[1:])
	if !ok {
		return Position{}, nil, false
	}
	seq, size := binary.Uvarint(body)
	if size <= 0 {
		return Position{}, nil, false
	}
	return Position{stream, Seq(seq)}, body[size:], true
}

func decodeStream(kind Kind, body []byte) (stream StreamID, rest []byte, ok bool) {
	const one, two = len(uuid.UUID{}), 2 * len(uuid.UUID{})
	switch kind {
	case UserKind, GroupKind, KeyKind:
		if len(body) < one {
			return "", nil, false
		}
		return named(kind, uuid.UUID(body[:one])), body[one:], true
	case MemberKind:
		if len(body) < two {
			return "", nil, false
		}
		return MemberStream(uuid.UUID(body[:one]), uuid.UUID(body[one:two])), body[two:], true
	case UsersKind, GroupsKind, ChangesKind:
		shard, size := binary.Uvarint(body)
		if size <= 0 || shard > math.MaxInt32 {
			return "", nil, false
		}
		return shardStream(kind, int(shard)), body[size:], true
	case NestingKind, LogKind:
		return StreamID(kind), body, true
	default:
		return "", nil, false
	}
}
