package commitlines

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"hash/crc32"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// The ways in which a line cannot be read.
var (
	// ErrDamaged: it is not what was written.
	ErrDamaged = errors.New("is damaged")
	// ErrCut: it, or what should come after it, is missing.
	ErrCut = errors.New("is cut off")
	// ErrFormat: it is whole, and nothing that this release reads.
	ErrFormat = errors.New("is of no format that is known")
)

// Line is one line: exactly one of the three is there.
type Line struct {
	Header      *Header
	Transaction []eventstream.Commit
	Checkpoint  *Checkpoint
}

// MaxLine is the longest line, in bytes.
const MaxLine = 4 << 20

// Parse reads a line, with the newline that ends it. The error is ErrDamaged, ErrCut
// or ErrFormat. The commits share nothing with the line; those of one stream and
// number are not compared with each other, nor are hashes checked.
func Parse(line []byte) (Line, error) {
	if len(line) == 0 || line[len(line)-1] != '\n' {
		return Line{}, ErrCut
	}
	line = line[:len(line)-1]
	body := len(line) - sumLength
	if body < 0 || len(line) > MaxLine || !utf8.Valid(line) {
		return Line{}, ErrDamaged
	}
	var sum [4]byte
	tail := line[body:]
	digits := tail[len(sumMember) : len(sumMember)+8]
	if _, err := hex.Decode(sum[:], digits); err != nil || string(tail[:len(sumMember)]) != sumMember || string(tail[len(tail)-2:]) != `"}` ||
		hex.EncodeToString(sum[:]) != string(digits) || binary.BigEndian.Uint32(sum[:]) != crc32.Checksum(line[:body], castagnoli) {
		return Line{}, ErrDamaged
	}
	return parseBody(line[:body])
}

func parseBody(body []byte) (parsed Line, err error) {
	r := reader{rest: body}
	switch {
	case r.skip(`{"command":"`):
		parsed.Transaction = r.transaction()
	case r.skip(`{"transactions":`):
		parsed.Checkpoint = r.checkpoint()
	case r.skip(`{"format":"`):
		if !r.skip(format + `","version":` + version + `,"epoch":`) {
			return Line{}, ErrFormat
		}
		h := &Header{Epoch: r.text()}
		r.need(`,"after":`)
		h.After = r.text()
		r.need(`,"ordered":`)
		h.Ordered = r.truth()
		parsed.Header = h
	default:
		return Line{}, ErrFormat
	}
	if r.bad || len(r.rest) > 0 {
		return Line{}, ErrFormat
	}
	return parsed, nil
}

// reader reads a line from front to back, and remembers if something was not as it
// must be.
type reader struct {
	rest []byte
	bad  bool
}

func (r *reader) fail() { r.bad, r.rest = true, nil }

// skip tells whether the text comes next, and passes over it then.
func (r *reader) skip(text string) bool {
	if len(r.rest) < len(text) || string(r.rest[:len(text)]) != text {
		return false
	}
	r.rest = r.rest[len(text):]
	return true
}

func (r *reader) need(text string) {
	if !r.skip(text) {
		r.fail()
	}
}

func (r *reader) truth() bool {
	if r.skip("true") {
		return true
	}
	r.need("false")
	return false
}

func (r *reader) take(n int) []byte {
	if n > len(r.rest) {
		r.fail()
		return make([]byte, n)
	}
	taken := r.rest[:n]
	r.rest = r.rest[n:]
	return taken
}

// number reads digits without a zero in front.
func (r *reader) number() uint64 {
	end := scanDigits(r.rest, 0)
	if end == 0 || end > 1 && r.rest[0] == '0' {
		r.fail()
		return 0
	}
	n, err := strconv.ParseUint(string(r.take(end)), 10, 64)
	if err != nil {
		r.fail()
	}
	return n
}

// text reads a string, escaped as it is written here.
func (r *reader) text() string {
	r.need(`"`)
	for i, c := range r.rest {
		switch {
		case c == '"':
			text := string(r.rest[:i])
			r.rest = r.rest[i+1:]
			return text
		case c == '\\' || c < ' ':
			return r.escaped()
		}
	}
	r.fail()
	return ""
}

// escaped is text for a string with escapes.
func (r *reader) escaped() string {
	end := scanString(r.rest, 0)
	if end < 0 {
		r.fail()
		return ""
	}
	var text []byte
	inside := r.rest[:end-1]
	for i := 0; i < len(inside); i++ {
		c := inside[i]
		if c != '\\' {
			text = append(text, c)
			continue
		}
		if i++; inside[i] != 'u' {
			text = append(text, inside[i])
			continue
		}
		n, _ := strconv.ParseUint(string(inside[i+1:i+5]), 16, 16) // scanString saw four digits
		text = append(text, byte(n))
		i += 4
	}
	if again := appendString(nil, string(text)); string(again[1:]) != string(r.rest[:end]) {
		r.fail() // escaped in another way
		return ""
	}
	r.rest = r.rest[end:]
	return string(text)
}

func (r *reader) checkpoint() *Checkpoint {
	c := &Checkpoint{Transactions: r.number()}
	r.need(`,"commits":`)
	c.Commits = r.number()
	r.need(`,"bytes":`)
	c.Bytes = r.number()
	r.need(`,"after":`)
	c.After = r.text()
	r.need(`,"sha256":"`)
	digits := r.take(2 * len(c.Sum))
	if _, err := hex.Decode(c.Sum[:], digits); err != nil || !r.bad && hex.EncodeToString(c.Sum[:]) != string(digits) {
		r.fail()
	}
	r.need(`","end":`)
	c.End = r.truth()
	c.More = !c.End && r.skip(moreMember)
	return c
}

func (r *reader) transaction() []eventstream.Commit {
	var command uuid.UUID
	written := r.take(36)
	if !r.bad {
		var err error
		if command, err = uuid.ParseBytes(written); err != nil || string(appendUUID(nil, (*[16]byte)(&command))) != string(written) {
			r.fail()
		}
	}
	r.need(`","actor":`)
	actor := r.text()
	r.need(`,"correlation":`)
	correlation := r.text()
	r.need(`,"commits":[`)
	commits := make([]eventstream.Commit, 0, 4)
	data := make([]byte, 0, len(r.rest))
	for !r.bad {
		commits = append(commits, eventstream.Commit{Command: command, Actor: actor, Correlation: correlation})
		r.commit(&commits[len(commits)-1], &data)
		if r.skip("]") {
			break
		}
		r.need(",")
		if len(commits) == eventstream.MaxEntries {
			r.fail()
		}
	}
	if r.bad {
		return nil
	}
	eventstream.Link(commits)
	return commits
}

// commit reads one commit. Its data is put behind that of those before it, where
// there is room for all that the line has.
func (r *reader) commit(c *eventstream.Commit, data *[]byte) {
	r.need(`{"stream":`)
	c.Stream = eventstream.StreamID(r.text())
	r.need(`,"seq":`)
	c.Seq = eventstream.Seq(r.number())
	r.need(`,"time":"`)
	c.Time = r.instant()
	if c.Seq > 1 {
		r.need(`","previous":"`)
		r.hash(&c.Previous)
	}
	r.need(`","hash":"`)
	r.hash(&c.Hash)
	from := len(*data)
	if r.skip(`","data":`) {
		end := max(scanValue(r.rest, 0, 0), 0)
		*data = append(*data, r.take(end)...)
		r.bad = r.bad || end == 0
	} else {
		r.need(`","bytes":"`)
		*data = r.base64(*data)
	}
	c.Data = (*data)[from:len(*data):len(*data)]
	r.need("}")
}

// base64 reads what is not JSON. What is would have been written as such.
func (r *reader) base64(data []byte) []byte {
	end := scanString(r.rest, 0)
	if end < 0 {
		r.fail()
		return data
	}
	from := len(data)
	data, err := strictStd.AppendDecode(data, r.take(end)[:end-1])
	if err != nil || scanValue(data[from:], 0, 0) == len(data)-from && utf8.Valid(data[from:]) {
		r.fail()
	}
	return data
}

var (
	strictStd = base64.RawStdEncoding.Strict()
	strictURL = base64.RawURLEncoding.Strict()
)

func (r *reader) hash(into *eventstream.Hash) {
	text := r.take(base64.RawURLEncoding.EncodedLen(len(into)))
	if n, err := strictURL.Decode(into[:], text); err != nil || n != len(into) {
		r.fail()
	}
}

// instant reads a time as it is written here, and no day or hour that there is not.
func (r *reader) instant() time.Time {
	text := r.take(len(timeLayout))
	part := func(from, to int) int {
		n := 0
		for _, c := range text[from:to] {
			if c < '0' || c > '9' {
				r.bad = true
			}
			n = 10*n + int(c-'0')
		}
		return n
	}
	at := time.Date(part(0, 4), time.Month(part(5, 7)), part(8, 10), part(11, 13), part(14, 16), part(17, 19), part(20, 23)*1_000_000, time.UTC)
	if r.bad {
		return time.Time{}
	}
	var room [len(timeLayout)]byte
	if string(at.AppendFormat(room[:0], timeLayout)) != string(text) {
		r.fail()
	}
	return at
}
