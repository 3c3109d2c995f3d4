package httpapi

import (
	"mime"
	"strings"
)

// linesMedia is the media type of JSON values on lines of their own.
const linesMedia = "application/x-ndjson"

var batchTypes = []string{"application/json", linesMedia}

// sendsLines tells whether the request's body is lines.
func (x *exchange) sendsLines() bool {
	lines := x.r.Header["Content-Type"]
	return len(lines) == 1 && isLines(lines[0])
}

func isLines(text string) bool {
	if !strings.Contains(text, "ndjson") {
		return false // most are not, and parsing takes long
	}
	media, _, err := mime.ParseMediaType(text)
	return err == nil && media == linesMedia
}
