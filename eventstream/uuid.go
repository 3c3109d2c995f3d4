package eventstream

import "github.com/google/uuid"

// uuidLength is the length of a UUID as text: 32 digits and 4 hyphens.
const uuidLength = 36

const hexDigits = "0123456789abcdef"

// appendUUID writes an id as uuid.UUID.String does, without a string of its own.
func appendUUID(to []byte, id *uuid.UUID) []byte {
	for i, b := range id {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			to = append(to, '-')
		}
		to = append(to, hexDigits[b>>4], hexDigits[b&15])
	}
	return to
}

// parseUUID reads what appendUUID writes and nothing else: two texts that named
// one id would be two streams of one entity.
func parseUUID(text string) (id uuid.UUID, ok bool) {
	if len(text) != uuidLength {
		return uuid.Nil, false
	}
	at := 0
	for i := range id {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			if text[at] != '-' {
				return uuid.Nil, false
			}
			at++
		}
		high, low := hexValues[text[at]], hexValues[text[at+1]]
		if high > 15 || low > 15 {
			return uuid.Nil, false
		}
		id[i] = high<<4 | low
		at += 2
	}
	return id, true
}

// hexValues gives the value of each lower-case hexadecimal digit, and 255 for
// every other byte.
var hexValues = func() (values [256]byte) {
	for i := range values {
		values[i] = 255
	}
	for value, digit := range []byte(hexDigits) {
		values[digit] = byte(value)
	}
	return values
}()
