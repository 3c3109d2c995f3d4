package logstore_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/logstore"
	"github.com/seed5b6a70b4/identity/eventstream/logstore/internal/memfs"
)

// history is what clients know: what they have submitted, and what they were
// answered.
type history struct {
	mu        sync.Mutex
	submitted map[uuid.UUID]bool
	refused   map[uuid.UUID]bool   // answered: was not and will not be written
	acked     map[uint64]uuid.UUID // answered: is there, at this position
}

func newHistory() *history {
	return &history{submitted: map[uuid.UUID]bool{}, refused: map[uuid.UUID]bool{}, acked: map[uint64]uuid.UUID{}}
}

func (h *history) append(store *logstore.Store, tx eventstream.Transaction) error {
	h.mu.Lock()
	h.submitted[tx.Command] = true
	h.mu.Unlock()
	commits, err := store.Append(context.Background(), tx)
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case err == nil:
		h.acked[commits[0].Log] = tx.Command
	case !errors.Is(err, eventstream.ErrUnknownOutcome):
		h.refused[tx.Command] = true
	}
	return err
}

// known copies what clients know now.
func (h *history) known() *history {
	h.mu.Lock()
	defer h.mu.Unlock()
	return &history{submitted: h.submitted, refused: maps.Clone(h.refused), acked: maps.Clone(h.acked)}
}

// check compares a log with what clients knew before the crash: what was
// acknowledged is there, and nothing that was not submitted, or was refused.
func (h *history) check(log [][]eventstream.Commit) error {
	for position, command := range h.acked {
		if position > uint64(len(log)) || log[position-1][0].Command != command {
			return fmt.Errorf("acknowledged transaction %d of a log of %d is lost", position, len(log))
		}
	}
	for i, commits := range log {
		switch command := commits[0].Command; {
		case !h.submitted[command]:
			return fmt.Errorf("transaction %d was never submitted", i+1)
		case h.refused[command]:
			return fmt.Errorf("transaction %d was refused", i+1)
		case len(commits) != len(commits[0].Siblings)+1:
			return fmt.Errorf("transaction %d has %d commits of %d", i+1, len(commits), len(commits[0].Siblings)+1)
		}
	}
	return nil
}

// image is what a crash may have left, and what clients knew before it.
type image struct {
	fs    *memfs.FS
	known *history
}

// camera takes images of a directory before some of its operations, and makes
// others fail.
type camera struct {
	fs      *memfs.FS
	history *history
	faults  float64

	mu     sync.Mutex
	random *rand.Rand
	images []image
}

func (c *camera) before(op memfs.Op, _ string) *memfs.Fault {
	if op == memfs.OpRead || op == memfs.OpOpen || op == memfs.OpList {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.random.IntN(12) == 0 {
		known := c.history.known() // before the image: what it knows must be in there
		left := c.fs.Crash
		if c.random.IntN(3) == 0 {
			left = func(*rand.Rand) *memfs.FS { return c.fs.Kill() }
		}
		c.images = append(c.images, image{left(c.random), known})
	}
	if c.random.Float64() >= c.faults || (op == memfs.OpSync || op == memfs.OpSyncDir) && c.random.IntN(8) > 0 {
		return nil
	}
	return &memfs.Fault{Err: syscall.EIO, Written: []int{0, c.random.IntN(500), 1 << 20}[c.random.IntN(3)]}
}

func TestNoCrashLosesWhatWasAcknowledged(t *testing.T) {
	histories, checked := 16, 0
	if testing.Short() {
		histories = 6
	}
	for seed := range uint64(histories) {
		c := &camera{fs: memfs.New(), history: newHistory(), random: rand.New(rand.NewPCG(seed, 1))}
		if seed%2 == 1 {
			c.faults = 0.05
		}
		live(t, c)
		c.images = append(c.images, image{c.fs.Crash(c.random), c.history.known()})
		for i, each := range c.images {
			if err := revive(each, seed, 2); err != nil {
				t.Fatalf("history %d, image %d: %v", seed, i, err)
			}
			checked++
		}
	}
	t.Logf("%d crashes", checked)
}

// live writes a random history, until it is long enough or the store is dead.
func live(t *testing.T, c *camera) {
	seed := c.random.Uint64() // before others use it, too
	c.fs.Before(c.before)
	defer c.fs.Before(nil)
	store, err := logstore.OpenOn(c.fs, &logstore.Options{SegmentSize: 8 << 10})
	if err != nil {
		return // a fault: there are images all the same
	}
	var group sync.WaitGroup
	for writer := range 3 {
		random := rand.New(rand.NewPCG(uint64(writer), seed))
		group.Go(func() {
			for range 25 {
				data := strings.Repeat("d", random.IntN(900))
				tx := transaction(empty(eventstream.UserStream(uuid.New()), data), anyway(eventstream.UsersStream(random.IntN(4)), data))
				if err := c.history.append(store, tx); err != nil && !errors.Is(err, eventstream.ErrUnavailable) {
					t.Error(err)
				}
				if random.IntN(10) == 0 {
					store.Promise()
				}
			}
		})
	}
	group.Wait()
	store.Close()
}

// revive opens what a crash left, and what a crash of the opening may leave, and
// checks that the store has what it must have and goes on from there.
func revive(left image, seed uint64, depth int) error {
	again := &camera{fs: left.fs, history: left.known, random: rand.New(rand.NewPCG(seed, 2))}
	if depth > 0 {
		left.fs.Before(again.before)
	}
	store, err := logstore.OpenOn(left.fs, &logstore.Options{SegmentSize: 8 << 10})
	left.fs.Before(nil)
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	log, err := contents(store)
	if err != nil {
		return err
	}
	if err := left.known.check(log); err != nil {
		return err
	}
	// What has been read is as good as acknowledged.
	for _, commits := range log {
		again.history.acked[commits[0].Log] = commits[0].Command
	}
	again.images = append(again.images, image{left.fs.Crash(again.random), again.history.known()})
	if err := again.history.append(store, user("after the crash")); err != nil {
		return fmt.Errorf("append: %w", err)
	}
	again.images = append(again.images, image{left.fs.Crash(again.random), again.history.known()})
	if err := store.Close(); err != nil {
		return err
	}
	if store, err = logstore.OpenOn(left.fs, &logstore.Options{SegmentSize: 8 << 10}); err != nil {
		return fmt.Errorf("open again: %w", err)
	}
	if more, err := contents(store); err != nil || len(more) != len(log)+1 {
		return errors.Join(fmt.Errorf("%d transactions, not %d", len(more), len(log)+1), err)
	}
	for i, each := range again.images {
		if depth == 0 {
			break
		}
		if err := revive(each, seed, depth-1); err != nil {
			return fmt.Errorf("after crash %d of the opening: %w", i, err)
		}
	}
	return store.Close()
}
