package commitlines

import (
	"encoding/base64"
	"encoding/hex"
	"hash/crc32"
	"strconv"
	"unicode/utf8"

	"github.com/seed5b6a70b4/identity/eventstream"
)

const (
	format  = "identity-commits"
	version = "1"
	// headerStart is what every header begins with, of whatever version.
	headerStart = `{"format":"` + format + `"`
	// timeLayout is how times are written: UTC, to the millisecond.
	timeLayout = "2006-01-02T15:04:05.000Z"
)

// Header is what the first line says.
type Header struct {
	// Epoch is of the store that the commits are from.
	Epoch string
	// After is the place behind which they begin, empty for the store's beginning.
	After string
	// Ordered tells that each transaction comes once, behind all that it continues.
	Ordered bool
}

// Checkpoint is what a line between transactions, or after them, says.
type Checkpoint struct {
	// Transactions, Commits and Bytes count what comes before the line.
	Transactions, Commits, Bytes uint64
	// After is the place up to which everything has been given.
	After string
	// Sum is the SHA-256 of all bytes before the line.
	Sum [32]byte
	// End tells that this was all there was; More, which no end tells, that the writer had
	// not looked yet whether there is.
	End, More bool
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// AppendHeader appends the line of a header.
func AppendHeader(dst []byte, h *Header) []byte {
	from := len(dst)
	dst = append(dst, headerStart+`,"version":`+version+`,"epoch":`...)
	dst = appendString(dst, h.Epoch)
	dst = append(dst, `,"after":`...)
	dst = appendString(dst, h.After)
	dst = append(dst, `,"ordered":`...)
	return endLine(strconv.AppendBool(dst, h.Ordered), from)
}

// AppendCheckpoint appends the line of a checkpoint.
func AppendCheckpoint(dst []byte, c *Checkpoint) []byte {
	from := len(dst)
	dst = append(dst, `{"transactions":`...)
	dst = strconv.AppendUint(dst, c.Transactions, 10)
	dst = append(dst, `,"commits":`...)
	dst = strconv.AppendUint(dst, c.Commits, 10)
	dst = append(dst, `,"bytes":`...)
	dst = strconv.AppendUint(dst, c.Bytes, 10)
	dst = append(dst, `,"after":`...)
	dst = appendString(dst, c.After)
	dst = append(dst, `,"sha256":"`...)
	dst = hex.AppendEncode(dst, c.Sum[:])
	dst = append(dst, `","end":`...)
	dst = strconv.AppendBool(dst, c.End)
	if c.More {
		dst = append(dst, moreMember...)
	}
	return endLine(dst, from)
}

const moreMember = `,"more":true`

// AppendTransaction appends the line of a transaction: commits of one command, at
// least one.
func AppendTransaction(dst []byte, transaction []eventstream.Commit) []byte {
	return endLine(AppendObject(dst, transaction, ""), len(dst))
}

// AppendObject appends a transaction as on its line, as far as the checksum, which
// is left out with the closing brace; members, which may be empty, are put in front.
func AppendObject(dst []byte, transaction []eventstream.Commit, members string) []byte {
	first := &transaction[0]
	dst = append(dst, '{')
	dst = append(dst, members...)
	dst = append(dst, `"command":"`...)
	dst = appendUUID(dst, (*[16]byte)(&first.Command))
	dst = append(dst, `","actor":`...)
	dst = appendString(dst, first.Actor)
	dst = append(dst, `,"correlation":`...)
	dst = appendString(dst, first.Correlation)
	dst = append(dst, `,"commits":[`...)
	for i := range transaction {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendCommit(dst, &transaction[i])
	}
	return append(dst, ']')
}

func appendCommit(dst []byte, c *eventstream.Commit) []byte {
	dst = append(dst, `{"stream":`...)
	dst = appendString(dst, string(c.Stream))
	dst = append(dst, `,"seq":`...)
	dst = strconv.AppendUint(dst, uint64(c.Seq), 10)
	dst = append(dst, `,"time":"`...)
	dst = c.Time.UTC().AppendFormat(dst, timeLayout)
	if c.Seq > 1 {
		dst = append(dst, `","previous":"`...)
		dst = base64.RawURLEncoding.AppendEncode(dst, c.Previous[:])
	}
	dst = append(dst, `","hash":"`...)
	dst = base64.RawURLEncoding.AppendEncode(dst, c.Hash[:])
	if end := scanValue(c.Data, 0, 0); end == len(c.Data) && utf8.Valid(c.Data) {
		dst = append(dst, `","data":`...)
		dst = append(dst, c.Data...)
		return append(dst, '}')
	}
	dst = append(dst, `","bytes":"`...)
	dst = base64.RawStdEncoding.AppendEncode(dst, c.Data)
	return append(dst, `"}`...)
}

// endLine closes a line with the checksum of what it has so far.
func endLine(dst []byte, from int) []byte {
	sum := crc32.Checksum(dst[from:], castagnoli)
	dst = append(dst, sumMember...)
	dst = hex.AppendEncode(dst, []byte{byte(sum >> 24), byte(sum >> 16), byte(sum >> 8), byte(sum)})
	return append(dst, "\"}\n"...)
}

const (
	sumMember = `,"sum":"`
	// sumLength is the end of a line: the member sum, and the brace.
	sumLength = len(sumMember) + 8 + len(`"}`)
)

func appendUUID(dst []byte, id *[16]byte) []byte {
	dst = hex.AppendEncode(dst, id[:4])
	for _, part := range [...][2]int{{4, 6}, {6, 8}, {8, 10}, {10, 16}} {
		dst = append(dst, '-')
		dst = hex.AppendEncode(dst, id[part[0]:part[1]])
	}
	return dst
}

// appendString escapes only what JSON demands.
func appendString(dst []byte, text string) []byte {
	dst = append(dst, '"')
	for i := range len(text) {
		switch c := text[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < ' ':
			dst = append(dst, `\u00`...)
			dst = append(dst, lowerHex[c>>4], lowerHex[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}

const lowerHex = "0123456789abcdef"
