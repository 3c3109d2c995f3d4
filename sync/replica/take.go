package replica

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/commitlines"
)

// What is imported at once: so many transactions, or so many bytes of what they say.
const (
	maxBatch      = 1024
	maxBatchBytes = 8 << 20
	// maxBatchAge is after how long less is imported too, when more comes.
	maxBatchAge = time.Second
)

// noteEvery is how often the place is noted while much comes.
const noteEvery = time.Second

// take does what a line says.
func (f *Follower) take(ctx context.Context, line *commitlines.Line, due bool) error {
	switch {
	case line.Checkpoint != nil:
		return f.reach(ctx, line.Checkpoint, due)
	case line.Header != nil:
		f.ordered = line.Header.Ordered
		return f.notes.Meet(ctx, line.Header.Epoch, line.Header.Ordered)
	}
	ready := [][]eventstream.Commit{line.Transaction}
	if !f.ordered {
		var err error
		if ready, err = f.arranger.Add(ctx, line.Transaction); err != nil {
			return err
		}
	}
	f.batch = append(f.batch, ready...)
	for _, transaction := range ready {
		f.batched += sizeOf(transaction)
	}
	f.update(func(s *State) {
		s.Transactions++
		s.Waiting, s.Behind = f.arranger.Waiting(), true
	})
	if len(f.batch) < maxBatch && f.batched < maxBatchBytes && time.Since(f.imported) < maxBatchAge {
		return nil
	}
	return f.flush(ctx)
}

func sizeOf(transaction []eventstream.Commit) (bytes int) {
	for i := range transaction {
		bytes += len(transaction[i].Data)
	}
	return bytes
}

// flush imports what has come.
func (f *Follower) flush(ctx context.Context) error {
	f.imported = time.Now()
	if len(f.batch) == 0 {
		return nil
	}
	done, err := f.streams.Importer().Import(ctx, f.batch)
	if done > 0 && f.ordered {
		newest := f.batch[done-1][0].Time
		f.update(func(s *State) {
			if newest.After(s.Newest) {
				s.Newest = newest
			}
		})
	}
	for _, transaction := range f.batch[:done] {
		f.batched -= sizeOf(transaction)
	}
	f.batch = slices.Delete(f.batch, 0, done)
	if err != nil {
		return fmt.Errorf("import what came: %w", err)
	}
	return nil
}

// passed is a checkpoint that was reached.
type passed struct {
	place string
	// added is how many transactions had come by then.
	added uint64
	// whole tells that the source had told everything by then, which was at.
	whole bool
	at    time.Time
}

// mostPassed is how many checkpoints are remembered until what came before them is
// there.
const mostPassed = 1024

// reach goes to the place of a checkpoint, when everything is imported that can be.
// One that was due does not tell that there is no more.
func (f *Follower) reach(ctx context.Context, checkpoint *commitlines.Checkpoint, due bool) error {
	if err := f.flush(ctx); err != nil {
		return err
	}
	f.place = checkpoint.After
	f.pass(passed{place: f.place, added: f.arranger.Added(), whole: !due, at: time.Now()})
	waiting, settled := f.arranger.Waiting(), f.settle()
	f.update(func(s *State) {
		s.Place, s.Waiting = f.place, waiting
		for _, p := range settled {
			if p.whole {
				s.Behind, s.Caught = waiting > 0 || due, p.at
			}
		}
	})
	if len(settled) == 0 || time.Since(f.noted) < noteEvery && !checkpoint.End {
		return nil
	}
	if err := f.notes.Note(ctx, settled[len(settled)-1].place); err != nil {
		return fmt.Errorf("note how far the copy has got: %w", err)
	}
	f.noted = time.Now()
	return nil
}

// pass remembers a checkpoint; of many that wait, every second is forgotten.
func (f *Follower) pass(p passed) {
	if len(f.passed) >= mostPassed {
		for i := range mostPassed / 2 {
			f.passed[i] = f.passed[2*i]
		}
		f.passed = f.passed[:mostPassed/2]
	}
	f.passed = append(f.passed, p)
}

// settle gives those checkpoints, in order, before which nothing came that is held:
// following can go on from there. Where a source gives its transactions in no order
// and much is written, there is always one that waits for another.
func (f *Follower) settle() []passed {
	settled, n := f.arranger.Settled(), 0
	for n < len(f.passed) && f.passed[n].added <= settled {
		n++
	}
	done := slices.Clone(f.passed[:n])
	f.passed = slices.Delete(f.passed, 0, n)
	return done
}

// Finish ends the following for good. It closes the source, unless that is lost, and
// brings everything that the source has ever acknowledged; of a lost one what can
// still be had: it returns the transactions of that one that did not come whole, their
// commits that came, which are not in the store. What cannot be followed to its end is
// not closed. Without an error, the copy may begin a life of its own. After one,
// following may go on, and Finish may be called again.
func (f *Follower) Finish(ctx context.Context, lost bool) (dropped []eventstream.Position, err error) {
	if !lost {
		// Another store may answer by now where the followed one did.
		if _, err := f.bring(ctx); err != nil {
			return nil, fmt.Errorf("read the followed store before it is closed: %w", err)
		}
		if err := f.source.Close(ctx); err != nil {
			return nil, fmt.Errorf("close the followed store: %w", err)
		}
	}
	held, err := f.bring(ctx)
	switch {
	case err == nil && !lost && f.arranger.Waiting() > 0:
		missing := f.arranger.Missing()[0]
		return nil, fmt.Errorf("%d transactions wait for what the followed store does not tell, first for commit %d of %s", f.arranger.Waiting(), missing.Seq, missing.Stream)
	case err == nil:
		return f.arranger.Held(), nil
	case !lost || ctx.Err() != nil || final(err):
		return nil, fmt.Errorf("bring the last of the followed store: %w", err)
	}
	f.log.Warn("the followed store is lost; what it did not tell is not here", "error", err)
	if err := f.flush(ctx); err != nil {
		return nil, fmt.Errorf("import what came last: %w", err)
	}
	return f.missing(ctx, held)
}

// bring reads what the source has told by now. It asks again where that fails for now,
// and gives what was held when it failed, now or before.
func (f *Follower) bring(ctx context.Context) (held []eventstream.Position, err error) {
	if f.arranger != nil {
		held = slices.Concat(f.held, f.arranger.Held())
	}
	for attempt := 1; ; attempt++ {
		began := time.Now()
		came, err := f.connect(ctx, true, nil)
		if err == nil {
			return held, nil
		}
		held = append(held, f.arranger.Held()...)
		stays := final(err) || errors.Is(err, ErrRefused) || !came && time.Since(began) > longestSilence
		if stays || ctx.Err() != nil || attempt == finishAttempts || pause(ctx, attempt-1, longestPause) != nil {
			return held, err
		}
	}
}

// missing gives those of the positions that the store has not.
func (f *Follower) missing(ctx context.Context, positions []eventstream.Position) ([]eventstream.Position, error) {
	var missing []eventstream.Position
	for _, position := range positions {
		head, err := f.streams.Head(ctx, position.Stream)
		if err != nil {
			return nil, fmt.Errorf("look what came whole: %w", err)
		}
		if position.Seq > head && !slices.Contains(missing, position) {
			missing = append(missing, position)
		}
	}
	return missing, nil
}

// finishAttempts is how often the last events are asked for, within some seconds.
const finishAttempts = 7

// longestSilence is for how long a source may give nothing, and be asked once more.
const longestSilence = 30 * time.Second

func contradicts(err error) bool {
	var refused *eventstream.ImportError
	return errors.As(err, &refused)
}
