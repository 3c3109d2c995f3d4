package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/commitlines"
	"github.com/seed5b6a70b4/identity/eventstream/transfer"
)

// exportFile is a file of commits that is being written. It is a taker.
type exportFile struct {
	file    *os.File // nil for the standard output
	regular bool     // what is no regular file has no place to go on at
	to      *bufio.Writer
	lines   *commitlines.Writer // nil until it is known what is written
	header  *commitlines.Header // of what was there; nil for nothing, or less than a line
	found   *commitlines.Reader // what was there up to a checkpoint; nil for nothing
	meter   *meter
	before  uint64 // commits that were there
	end     uint64

	arranger *transfer.Arranger // nil where all comes in order
	seen     func(*transfer.Arranger) error
	after    string
}

// open opens the file and reads what is in it, up to its last checkpoint. Nobody else
// may be writing it.
func (f *exportFile) open(c *console, name string) (err error) {
	if name == "" {
		f.to = bufio.NewWriterSize(c.out, 1<<20)
		return nil
	}
	if f.file, err = os.OpenFile(name, os.O_RDWR|os.O_CREATE, secretMode); err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	f.to = bufio.NewWriterSize(f.file, 1<<20)
	info, err := f.file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return err
	}
	f.regular = true
	if err := lockFile(f.file); err != nil {
		return fmt.Errorf("--out %s: %w", name, err)
	}
	if err := syncDirectoryOf(name); err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	if info, err = f.file.Stat(); err != nil || info.Size() == 0 {
		return err
	}
	err = f.wholePart(c.ctx, uint64(info.Size()))
	if errors.Is(err, commitlines.ErrFormat) {
		return fmt.Errorf("--out %s: %w: name a new file, or one that export wrote", name, err)
	}
	if err != nil {
		return fmt.Errorf("--out %s: %w", name, err)
	}
	return nil
}

// lockFile keeps a file for this process until it is closed.
func lockFile(file *os.File) error {
	err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	switch {
	case errors.Is(err, unix.EWOULDBLOCK):
		return errors.New("another export is writing it")
	case err != nil:
		return fmt.Errorf("keep others from writing it: %w", err)
	}
	return nil
}

// wholePart reads the file up to where its last checkpoint ends. What comes after that
// may be cut off anywhere, but it must not be damaged.
func (f *exportFile) wholePart(ctx context.Context, size uint64) error {
	first := commitlines.NewReader(f.file)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		_, err := first.Next()
		f.meter.show("reading what is there", first.Bytes(), size)
		if errors.Is(err, io.EOF) || errors.Is(err, commitlines.ErrCut) {
			break
		}
		if err != nil {
			return err
		}
	}
	f.meter.finish()
	f.header = first.Header
	if first.Whole == 0 {
		return nil // it was cut off before its first checkpoint
	}
	f.seen = func(into *transfer.Arranger) error {
		return f.reread(first.Whole, func(line *commitlines.Line) {
			if line.Transaction != nil {
				into.Seen(line.Transaction)
			}
		})
	}
	f.after, f.before = first.Last.After, first.Last.Commits
	return f.reread(first.Whole, nil)
}

// reread reads the file up to a checkpoint, where writing goes on.
func (f *exportFile) reread(whole uint64, visit func(*commitlines.Line)) error {
	f.found = commitlines.NewReader(io.NewSectionReader(f.file, 0, int64(whole)))
	for f.found.Whole < whole {
		line, err := f.found.Next()
		if err != nil {
			return err
		}
		if visit != nil {
			visit(&line)
		}
	}
	return nil
}

// An export waits so often, and so long, for what has to come before what it has.
const (
	exportLooks = 30
	exportPause = time.Second
)

// goOn writes whatever comes after what is there. Where the source gives what was
// announced, a part of it may be about to be.
func (f *exportFile) goOn(ctx context.Context, give giver) error {
	for look := 1; ; look++ {
		if err := give(ctx, f.after, f); err != nil {
			return err
		}
		if f.arranger == nil || f.arranger.Waiting() == 0 {
			f.meter.finish()
			return f.lines.Checkpoint(f.after, true)
		}
		if look == exportLooks {
			missing := f.arranger.Missing()
			return fmt.Errorf("%d transactions were left out: what comes before them was not announced, first commit %d of %s; see whether streams are parked, and export to the same file again",
				f.arranger.Waiting(), missing[0].Seq, missing[0].Stream)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(exportPause):
		}
	}
}

// begin implements taker.
func (f *exportFile) begin(epoch string, ordered bool) (err error) {
	if f.lines != nil {
		return nil
	}
	if f.header != nil && f.header.Epoch != epoch {
		return errOtherLife
	}
	if err := f.cutOff(); err != nil {
		return err
	}
	if !ordered {
		f.arranger = transfer.NewArranger(nil)
	}
	if f.found == nil {
		f.lines, err = commitlines.NewWriter(f.to, &commitlines.Header{Epoch: epoch, Ordered: true})
		return err
	}
	if f.arranger != nil {
		if err := f.seen(f.arranger); err != nil {
			return err
		}
	}
	f.lines = commitlines.Resume(f.to, f.found)
	return nil
}

// cutOff goes to where writing goes on, and takes away what is there but not whole.
func (f *exportFile) cutOff() error {
	if !f.regular {
		return nil
	}
	whole := int64(0)
	if f.found != nil {
		whole = int64(f.found.Whole)
	}
	if err := f.file.Truncate(whole); err != nil {
		return fmt.Errorf("--out: cut off what is not whole: %w", err)
	}
	_, err := f.file.Seek(whole, io.SeekStart)
	return err
}

// take implements taker.
func (f *exportFile) take(ctx context.Context, transaction []eventstream.Commit) (due bool, err error) {
	ready := [][]eventstream.Commit{transaction}
	if f.arranger != nil {
		if ready, err = f.arranger.Add(ctx, transaction); err != nil {
			return false, err
		}
	}
	for _, each := range ready {
		now, err := f.lines.Transaction(each)
		if err != nil {
			return false, err
		}
		due = due || now
	}
	if written := f.lines.Transactions(); written%256 == 0 {
		f.meter.show("exporting", written, max(f.end, written))
	}
	return due, nil
}

// place implements taker. Where something is held back, what comes after an earlier
// place has to be given again.
func (f *exportFile) place(text string) error {
	if f.arranger != nil && f.arranger.Waiting() > 0 {
		return nil
	}
	f.after = text
	return f.lines.Checkpoint(text, false)
}

// close makes the file durable, also after an error: it can be gone on with.
func (f *exportFile) close() error {
	if f.to == nil {
		return nil
	}
	err := f.to.Flush()
	switch {
	case f.file == nil:
		return err
	case !f.regular:
		return errors.Join(err, f.file.Close())
	}
	return errors.Join(err, f.file.Sync(), f.file.Close())
}

func syncDirectoryOf(file string) error {
	return dataDirectory{filepath.Dir(file)}.sync()
}
