package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/commitlines"
	"github.com/seed5b6a70b4/identity/eventstream/transfer"
)

// exportFile is a file of commits that is being written. It is a taker.
type exportFile struct {
	file   *os.File     // nil for the standard output
	lock   *flock.Flock // nil for what is no regular file, which has no place to go on at
	to     *bufio.Writer
	lines  *commitlines.Writer // nil until it is known what is written
	found  *commitlines.Reader // what was there; nil for nothing
	meter  *meter
	before uint64 // commits that were there
	end    uint64

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
	f.lock = flock.New(name, flock.SetFlag(os.O_RDWR))
	if locked, err := f.lock.TryLock(); err != nil || !locked {
		return cmp.Or(err, fmt.Errorf("--out %s: another export is writing it", name))
	}
	if err := syncDirectoryOf(name); err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	return f.seekEnd(c.ctx, name)
}

// seekEnd goes to where writing goes on, and cuts off what is there but not whole.
func (f *exportFile) seekEnd(ctx context.Context, name string) error {
	info, err := f.file.Stat()
	if err != nil || info.Size() == 0 {
		return err
	}
	whole, err := f.wholePart(ctx, uint64(info.Size()))
	if errors.Is(err, commitlines.ErrFormat) {
		return fmt.Errorf("--out %s: %w: name a new file, or one that export wrote", name, err)
	}
	if err != nil {
		return fmt.Errorf("--out %s: %w", name, err)
	}
	if err := f.file.Truncate(int64(whole)); err != nil {
		return fmt.Errorf("--out: cut off what is not whole: %w", err)
	}
	_, err = f.file.Seek(int64(whole), io.SeekStart)
	return err
}

// wholePart reads the file and gives where its last checkpoint ends. What comes after
// that may be cut off anywhere, but it must not be damaged.
func (f *exportFile) wholePart(ctx context.Context, size uint64) (uint64, error) {
	first := commitlines.NewReader(f.file)
	for {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		_, err := first.Next()
		f.meter.show("reading what is there", first.Bytes(), size)
		if errors.Is(err, io.EOF) || errors.Is(err, commitlines.ErrCut) {
			break
		}
		if err != nil {
			return 0, err
		}
	}
	f.meter.finish()
	if first.Whole == 0 {
		return 0, nil // there is nothing but a header, or less
	}
	f.seen = func(into *transfer.Arranger) error {
		return f.reread(first.Whole, func(line *commitlines.Line) {
			if line.Transaction != nil {
				into.Seen(line.Transaction)
			}
		})
	}
	f.after, f.before = first.Last.After, first.Last.Commits
	return first.Whole, f.reread(first.Whole, nil)
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
	if !ordered {
		f.arranger = transfer.NewArranger(nil)
	}
	if f.found == nil {
		f.lines, err = commitlines.NewWriter(f.to, &commitlines.Header{Epoch: epoch, Ordered: true})
		return err
	}
	if f.found.Header.Epoch != epoch {
		return errOtherLife
	}
	if f.arranger != nil {
		if err := f.seen(f.arranger); err != nil {
			return err
		}
	}
	f.lines = commitlines.Resume(f.to, f.found)
	return nil
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
	case f.lock == nil:
		return errors.Join(err, f.file.Close())
	}
	return errors.Join(err, f.file.Sync(), f.lock.Close(), f.file.Close())
}

func syncDirectoryOf(file string) error {
	return dataDirectory{filepath.Dir(file)}.sync()
}
