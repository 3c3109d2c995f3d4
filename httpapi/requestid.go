package httpapi

import (
	"math/rand/v2"
	"net/http"
)

const maxRequestID = 128

// RequestID is the id of a request that another handler answers, as this package
// gives it to its own.
func RequestID(r *http.Request) string { return requestID(r.Header["X-Request-Id"]) }

// requestID takes the client's id if it is one line of harmless characters, and
// makes one otherwise.
func requestID(lines []string) string {
	if len(lines) == 1 && len(lines[0]) > 0 && len(lines[0]) <= maxRequestID && isHarmless(lines[0]) {
		return lines[0]
	}
	var raw [16]byte
	high, low := rand.Uint64(), rand.Uint64()
	for i := range 8 {
		raw[i], raw[8+i] = byte(high>>(8*i)), byte(low>>(8*i))
	}
	text := make([]byte, 0, 32)
	for _, b := range raw {
		text = append(text, hexDigits[b>>4], hexDigits[b&15])
	}
	return string(text)
}

func isHarmless(text string) bool {
	for i := range len(text) {
		switch c := text[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case c == '-', c == '_', c == '.', c == ':', c == '/', c == '+', c == '=':
		default:
			return false
		}
	}
	return true
}
