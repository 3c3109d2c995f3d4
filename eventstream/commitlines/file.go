package commitlines

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// LineError says what is wrong with which line.
type LineError struct {
	// Line counts from 1.
	Line uint64
	// Err is ErrDamaged, ErrCut, ErrFormat, or what is wrong with a commit.
	Err error
}

// Error names the line.
func (e *LineError) Error() string { return fmt.Sprintf("line %d %s", e.Line, e.Err) }

// Unwrap gives what is wrong.
func (e *LineError) Unwrap() error { return e.Err }

// tally is what a checkpoint tells of what comes before it.
type tally struct {
	transactions, commits, bytes, lines uint64
	sum                                 hash.Hash
}

func (t *tally) add(line []byte, transaction int) {
	t.lines++
	t.bytes += uint64(len(line))
	t.sum.Write(line)
	if transaction > 0 {
		t.transactions++
		t.commits += uint64(transaction)
	}
}

func (t *tally) checkpoint(after string, end, more bool) *Checkpoint {
	c := &Checkpoint{Transactions: t.transactions, Commits: t.commits, Bytes: t.bytes, After: after, End: end, More: more}
	t.sum.Sum(c.Sum[:0])
	return c
}

// Reader reads lines, and holds checkpoints to what came before them.
type Reader struct {
	tally
	from *bufio.Reader
	long []byte
	// Header is the file's, once the first line was read; Last the last checkpoint.
	Header *Header
	Last   *Checkpoint
	// Whole is how many bytes there are up to the end of the last checkpoint.
	Whole uint64
	// Due tells that the last checkpoint stands where the writer owed one, or was on the
	// way, so that more may follow at once; without it the writer had no more to give.
	Due bool
}

// NewReader makes a reader of lines.
func NewReader(from io.Reader) *Reader {
	return &Reader{from: bufio.NewReaderSize(from, 1<<20), tally: tally{sum: sha256.New()}}
}

// Lines is how many lines were read.
func (r *Reader) Lines() uint64 { return r.lines }

// Bytes is how many bytes the lines had that were read.
func (r *Reader) Bytes() uint64 { return r.bytes }

// Next gives the next line: the header first and once, then transactions and
// checkpoints. A first line that does not begin as a header does is ErrFormat, also
// if it is cut off. The error is io.EOF after a checkpoint that is an end; every other
// one is of the source that is read from, or a *LineError, for what ends elsewhere too.
func (r *Reader) Next() (Line, error) {
	raw, err := r.line()
	if r.lines == 0 && (err == nil || errors.Is(err, io.EOF) && len(raw) > 0) && !beginsHeader(raw) {
		return Line{}, r.wrong(ErrFormat)
	}
	if errors.Is(err, io.EOF) {
		if len(raw) == 0 && r.Last != nil && r.Last.End && r.Whole == r.bytes {
			return Line{}, io.EOF
		}
		return Line{}, r.wrong(ErrCut)
	}
	if err != nil {
		return Line{}, err
	}
	line, err := Parse(raw)
	if err != nil {
		return Line{}, r.wrong(err)
	}
	if (line.Header != nil) != (r.Header == nil) {
		return Line{}, r.wrong(ErrFormat)
	}
	switch {
	case line.Header != nil:
		r.Header = line.Header
	case line.Checkpoint != nil:
		if *line.Checkpoint != *r.checkpoint(line.Checkpoint.After, line.Checkpoint.End, line.Checkpoint.More) {
			return Line{}, r.wrong(ErrDamaged)
		}
		r.Last, r.Due = line.Checkpoint, line.Checkpoint.More || r.bytes-r.Whole >= checkpointEvery
	}
	r.add(raw, len(line.Transaction))
	if line.Checkpoint != nil {
		r.Whole = r.bytes
	}
	return line, nil
}

// beginsHeader tells whether a line, or what there is of it, is one of a header.
func beginsHeader(line []byte) bool {
	return bytes.HasPrefix(line, []byte(headerStart)) || bytes.HasPrefix([]byte(headerStart), line)
}

func (r *Reader) wrong(err error) error { return &LineError{r.lines + 1, err} }

// line gives the next line, which is valid until the one after.
func (r *Reader) line() ([]byte, error) {
	part, err := r.from.ReadSlice('\n')
	if !errors.Is(err, bufio.ErrBufferFull) {
		return part, err
	}
	r.long = append(r.long[:0], part...)
	for errors.Is(err, bufio.ErrBufferFull) {
		if len(r.long) > MaxLine {
			return nil, r.wrong(ErrDamaged)
		}
		part, err = r.from.ReadSlice('\n')
		r.long = append(r.long, part...)
	}
	return r.long, err
}

// Writer writes lines, with the checkpoints that they need. After an error of the
// destination nothing more is to be written.
type Writer struct {
	tally
	to     io.Writer
	buffer []byte
	since  uint64 // bytes at the last checkpoint
}

// checkpointEvery is after how many bytes a checkpoint is due.
const checkpointEvery = 4 << 20

// NewWriter makes a writer, and writes the header.
func NewWriter(to io.Writer, header *Header) (*Writer, error) {
	w := &Writer{to: to, tally: tally{sum: sha256.New()}}
	return w, w.put(AppendHeader(nil, header), 0)
}

// Resume makes a writer that goes on behind what a reader has read, which must be a
// checkpoint.
func Resume(to io.Writer, after *Reader) *Writer {
	return &Writer{to: to, tally: after.tally, since: after.bytes}
}

func (w *Writer) put(line []byte, commits int) error {
	w.add(line, commits)
	_, err := w.to.Write(line)
	return err
}

// Transaction writes the line of a transaction, and tells whether a checkpoint is
// due.
func (w *Writer) Transaction(transaction []eventstream.Commit) (due bool, err error) {
	w.buffer = AppendTransaction(w.buffer[:0], transaction)
	err = w.put(w.buffer, len(transaction))
	return w.bytes-w.since >= checkpointEvery, err
}

// Checkpoint writes a checkpoint: everything up to the place was written. Unless it is
// due, there is no more for now.
func (w *Writer) Checkpoint(after string, end bool) error {
	return w.mark(w.checkpoint(after, end, false))
}

// Pass writes a checkpoint on the way: there may be more, which comes at once.
func (w *Writer) Pass(after string) error {
	return w.mark(w.checkpoint(after, false, true))
}

func (w *Writer) mark(checkpoint *Checkpoint) error {
	w.buffer = AppendCheckpoint(w.buffer[:0], checkpoint)
	err := w.put(w.buffer, 0)
	w.since = w.bytes
	return err
}

// Commits is how many commits were written, with those before what it goes on
// behind.
func (w *Writer) Commits() uint64 { return w.commits }

// Transactions is how many transactions were.
func (w *Writer) Transactions() uint64 { return w.transactions }
