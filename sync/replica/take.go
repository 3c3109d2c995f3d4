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

// maxBatch is how many transactions are imported at once.
const maxBatch = 1024

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
	f.update(func(s *State) {
		s.Transactions++
		s.Waiting, s.Behind = f.arranger.Waiting(), true
	})
	if len(f.batch) < maxBatch {
		return nil
	}
	return f.flush(ctx)
}

// flush imports what has come.
func (f *Follower) flush(ctx context.Context) error {
	if len(f.batch) == 0 {
		return nil
	}
	done, err := f.streams.Importer().Import(ctx, f.batch)
	if done > 0 {
		newest := f.batch[done-1][0].Time
		f.update(func(s *State) {
			if newest.After(s.Newest) {
				s.Newest = newest
			}
		})
	}
	f.batch = f.batch[:copy(f.batch, f.batch[done:])]
	if err != nil {
		return fmt.Errorf("import what came: %w", err)
	}
	return nil
}

// reach goes to the place of a checkpoint. It is noted only when nothing that was
// given waits in memory. One that was due does not tell that there is no more.
func (f *Follower) reach(ctx context.Context, checkpoint *commitlines.Checkpoint, due bool) error {
	if err := f.flush(ctx); err != nil {
		return err
	}
	f.place = checkpoint.After
	waiting := f.arranger.Waiting()
	f.update(func(s *State) {
		s.Place, s.Waiting = f.place, waiting
		if waiting == 0 && !due {
			s.Behind, s.Caught = false, time.Now()
		}
	})
	if waiting > 0 || time.Since(f.noted) < noteEvery && !checkpoint.End {
		return nil
	}
	if err := f.notes.Note(ctx, f.place); err != nil {
		return fmt.Errorf("note how far the copy has got: %w", err)
	}
	f.noted = time.Now()
	return nil
}

// Finish ends the following for good. It closes the source, unless that is lost, and
// brings everything that the source has ever acknowledged; of a lost one what can
// still be had. It returns the transactions that did not come whole: their commits
// that came, which are not in the store. Without an error, the copy may begin a life
// of its own. After one, following may go on, and Finish may be called again.
func (f *Follower) Finish(ctx context.Context, lost bool) (dropped []eventstream.Position, err error) {
	var held []eventstream.Position
	if f.arranger != nil {
		held = f.arranger.Held()
	}
	if !lost {
		if err := f.source.Close(ctx); err != nil {
			return nil, fmt.Errorf("close the followed store: %w", err)
		}
	}
	for attempt := 1; ; attempt++ {
		_, err = f.connect(ctx, true, nil)
		if err == nil {
			return f.arranger.Held(), nil
		}
		held = append(held, f.arranger.Held()...)
		if final(err) || ctx.Err() != nil || attempt == finishAttempts {
			break
		}
	}
	if !lost || ctx.Err() != nil || contradicts(err) {
		return nil, fmt.Errorf("bring the last of the followed store: %w", err)
	}
	f.log.Warn("the followed store is lost; what it did not tell is not here", "error", err)
	if err := f.flush(ctx); err != nil {
		return nil, fmt.Errorf("import what came last: %w", err)
	}
	return f.missing(ctx, held)
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

// finishAttempts is how often the last events are asked for.
const finishAttempts = 3

func contradicts(err error) bool {
	var refused *eventstream.ImportError
	return errors.As(err, &refused)
}
