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

	"github.com/seed5b6a70b4/identity/commands"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/commitlines"
	"github.com/seed5b6a70b4/identity/eventstream/logstore"
	"github.com/seed5b6a70b4/identity/eventstream/transfer"
)

// exportCommand writes every commit to a file.
type exportCommand struct {
	remoteFlags `embed:""`
	Out         string `placeholder:"FILE" help:"Where to: a file that is new, or that an earlier export wrote, whole or cut off, which is gone on with. By default the standard output."`
}

// Run writes all that there is when it begins, or later.
func (e *exportCommand) Run(c *console) error {
	if err := e.check(); err != nil {
		return err
	}
	give, end, done, err := e.giver(c)
	if err != nil {
		return err
	}
	began := time.Now()
	out := &exportFile{meter: newMeter(c.err), end: end}
	err = out.open(c, e.Out)
	if err == nil {
		err = out.goOn(c.ctx, give)
	}
	err = errors.Join(err, out.close(), done())
	if err != nil {
		return err
	}
	say := c.out
	if e.Out == "" {
		say = c.err
	}
	_, err = fmt.Fprintf(say, "%d transactions, %d commits; %d commits written in %s\n",
		out.lines.Transactions(), out.lines.Commits(), out.lines.Commits()-out.before, time.Since(began).Round(time.Millisecond))
	return err
}

// giver gives what there is to export: of the running service that is named or holds
// the data directory, else of the store itself. end is about where that ends, 0 if it
// is not known.
func (e *exportCommand) giver(c *console) (give giver, end uint64, done func() error, err error) {
	if e.URL != "" {
		to, err := e.dial(announcement{URL: e.URL})
		if err != nil {
			return nil, 0, nil, err
		}
		return giveFrom(to), 0, to.close, nil
	}
	if err := e.existing(); err != nil {
		return nil, 0, nil, err
	}
	if e.Store == dynamoStore {
		opened, err := e.open(c.ctx, followFlags{Feed: noFeed, Search: noSearch}, settings{noSearch: true})
		if err != nil {
			return nil, 0, nil, err
		}
		core := opened.base()
		return giveHere(core.events, core.directory.Epoch), 0, opened.close, nil
	}
	store, err := logstore.Open(dataDirectory{e.Data}.log(), nil)
	if errors.Is(err, logstore.ErrLocked) {
		running, err := dataDirectory{e.Data}.announced()
		if err != nil {
			return nil, 0, nil, err
		}
		to, err := e.dial(running)
		if err != nil {
			return nil, 0, nil, err
		}
		return giveFrom(to), 0, to.close, nil
	}
	if err != nil {
		return nil, 0, nil, err
	}
	epoch, err := commands.Epoch(c.ctx, eventstream.New(store, nil))
	if err != nil {
		return nil, 0, nil, errors.Join(err, store.Close())
	}
	return giveHere(transfer.NewLog(store), epoch), store.End(), store.Close, nil
}

// exportFile is a file of commits that is being written. It is a taker.
type exportFile struct {
	file   *os.File // nil for the standard output
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

// open opens the file and reads what is in it, up to its last checkpoint.
func (f *exportFile) open(c *console, name string) (err error) {
	if name == "" {
		f.to = bufio.NewWriterSize(c.out, 1<<20)
		return nil
	}
	if f.file, err = os.OpenFile(name, os.O_RDWR|os.O_CREATE, secretMode); err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	f.to = bufio.NewWriterSize(f.file, 1<<20)
	if err := syncDirectoryOf(name); err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	info, err := f.file.Stat()
	if err != nil || info.Size() == 0 {
		return err
	}
	whole, err := f.wholePart(c.ctx, uint64(info.Size()))
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
	if f.file == nil {
		return err
	}
	return errors.Join(err, f.file.Sync(), f.file.Close())
}

func syncDirectoryOf(file string) error {
	return dataDirectory{filepath.Dir(file)}.sync()
}
