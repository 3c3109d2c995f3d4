package eventstream

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// Mark is a place that a reader of everything has got to: positions, and whatever
// else its maker needs to find the place again. It travels as opaque text.
type Mark struct {
	At   Token
	Rest []byte
}

// MaxMarkBytes is the longest text of a mark.
const MaxMarkBytes = 2 << 10

const markVersion = 0x81 // no version of a token

// AppendEncode appends the mark as text of the URL-safe base64 alphabet: version,
// epoch, the positions as tokens have them, the rest and a CRC-32C. Equal marks of
// one epoch have equal text. After an error nothing is appended.
func (m *Mark) AppendEncode(to []byte, epoch Epoch) ([]byte, error) {
	raw := append(to, markVersion)
	raw = append(raw, epoch[:]...)
	raw, err := appendPositions(raw, m.At)
	if err != nil {
		return to, err
	}
	raw = append(raw, m.Rest...)
	raw = binary.BigEndian.AppendUint32(raw, crc32.Checksum(raw[len(to):], castagnoli))
	text := base64.RawURLEncoding.AppendEncode(raw, raw[len(to):])
	return append(text[:len(to)], text[len(raw):]...), nil
}

// DecodeMark reads a mark of the epoch. The error is ErrMalformedToken or
// ErrForeignToken, and holds nothing of the text. Only what AppendEncode writes is
// accepted, to the bit.
func DecodeMark(text string, epoch Epoch) (Mark, error) {
	if len(text) > MaxMarkBytes {
		return Mark{}, fmt.Errorf("%w: longer than %d bytes", ErrMalformedToken, MaxMarkBytes)
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(raw) < tokenHead+1+tokenChecksum || raw[0] != markVersion {
		return Mark{}, ErrMalformedToken
	}
	body, sum := raw[:len(raw)-tokenChecksum], binary.BigEndian.Uint32(raw[len(raw)-tokenChecksum:])
	if crc32.Checksum(body, castagnoli) != sum {
		return Mark{}, ErrMalformedToken
	}
	found := Epoch(body[1:tokenHead])
	at, rest, err := decodeSome(body[tokenHead:])
	if err != nil {
		return Mark{}, err
	}
	mark := Mark{At: at, Rest: rest}
	if written, err := mark.AppendEncode(make([]byte, 0, len(raw)+len(text)), found); err != nil || string(written) != text {
		return Mark{}, ErrMalformedToken
	}
	if found != epoch {
		return Mark{}, ErrForeignToken
	}
	return mark, nil
}
