package storetest_test

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"iter"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/storetest"
)

// The kit is itself tested: stores that are each wrong in one way are given to
// it, in a process of its own, and the part of the kit that is there for it must
// fail.

var brokenName = flag.String("broken", "", "the broken store to give to the kit")

func TestBrokenStore(t *testing.T) {
	if *brokenName != "" {
		storetest.Run(t, harness(brokenStores[*brokenName]))
	}
}

func TestTheKitAcceptsAStoreOfAllFeatures(t *testing.T) { storetest.Run(t, harness(sabotage{})) }

func TestTheKitFindsWhatIsBroken(t *testing.T) {
	for name, broken := range brokenStores {
		t.Run(name, func(t *testing.T) {
			timeout := "5m"
			if broken.hangs {
				timeout = "3s"
			}
			command := exec.CommandContext(t.Context(), selfPath(t), "-test.run=^TestBrokenStore$/^"+broken.topic+"$", "-test.timeout="+timeout, "-rapid.nofailfile", "-broken="+name)
			output, err := command.CombinedOutput()
			var exit *exec.ExitError
			if !errors.As(err, &exit) {
				t.Fatalf("the kit finds nothing wrong (%v):\n%s", err, output)
			}
			if found := strings.Contains(string(output), "--- FAIL: TestBrokenStore/"+strings.ReplaceAll(broken.topic, " ", "_")+"/") || broken.hangs && strings.Contains(string(output), "test timed out"); !found {
				t.Fatalf("the kit ends otherwise than by a failed sentence:\n%s", output)
			}
		})
	}
}

// appendFunc stands in for a session's Append.
type appendFunc = func(*session, context.Context, eventstream.Transaction) ([]eventstream.Commit, error)

// after makes an append that changes what the ordinary one answers.
func after(change func(commits []eventstream.Commit, err error) ([]eventstream.Commit, error)) appendFunc {
	return func(s *session, ctx context.Context, tx eventstream.Transaction) ([]eventstream.Commit, error) {
		return change(s.Append(ctx, tx))
	}
}

// conflicts makes an append that changes what conflicts say.
func conflicts(change func(*eventstream.ConflictError)) appendFunc {
	return after(func(commits []eventstream.Commit, err error) ([]eventstream.Commit, error) {
		var conflict *eventstream.ConflictError
		if errors.As(err, &conflict) {
			change(conflict)
		}
		return commits, err
	})
}

// entries makes an append that changes what is to be written.
func entries(change func(eventstream.Entry) eventstream.Entry) appendFunc {
	return func(s *session, ctx context.Context, tx eventstream.Transaction) ([]eventstream.Commit, error) {
		tx.Entries = slices.Clone(tx.Entries)
		for i := range tx.Entries {
			tx.Entries[i] = change(tx.Entries[i])
		}
		return s.Append(ctx, tx)
	}
}

// picked leaves out the items that do not please.
func picked[T any](sequence iter.Seq2[T, error], pleases func(n int, item T) bool) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		n := 0
		for item, err := range sequence {
			if n++; (err != nil || pleases(n, item)) && !yield(item, err) {
				return
			}
		}
	}
}

// reads makes a read that leaves out commits.
func reads(pleases func(n int, commit eventstream.Commit) bool) func(*session, context.Context, eventstream.StreamID, eventstream.Seq) iter.Seq2[eventstream.Commit, error] {
	return func(s *session, ctx context.Context, stream eventstream.StreamID, after eventstream.Seq) iter.Seq2[eventstream.Commit, error] {
		return picked(s.Read(ctx, stream, after), pleases)
	}
}

var brokenStores = map[string]sabotage{
	"accepts gaps": {topic: "expectations", append: entries(func(e eventstream.Entry) eventstream.Entry {
		if e.Expect.Seq() > 1<<20 {
			e.Expect = eventstream.Any()
		}
		return e
	})},
	"numbers by what was expected": {topic: "expectations", append: func(s *session, ctx context.Context, tx eventstream.Transaction) ([]eventstream.Commit, error) {
		commits, err := s.Append(ctx, tx)
		for i := range commits {
			if tx.Entries[i].Data != nil && tx.Entries[i].Expect.Seq() < commits[i].Seq {
				commits[i].Seq = tx.Entries[i].Expect.Seq() + 1
			}
		}
		return commits, err
	}},
	"takes existence for granted": {topic: "expectations", append: entries(func(e eventstream.Entry) eventstream.Entry {
		if e.Expect == eventstream.Exists() {
			e.Expect = eventstream.Any()
		}
		return e
	})},
	"writes conditions": {topic: "expectations", append: entries(func(e eventstream.Entry) eventstream.Entry {
		if e.Data == nil {
			e.Data = []byte{}
		}
		return e
	})},
	"does not write empty data": {topic: "append", append: func(s *session, ctx context.Context, tx eventstream.Transaction) ([]eventstream.Commit, error) {
		if len(tx.Entries) == 1 && len(tx.Entries[0].Data) == 0 {
			return nil, nil
		}
		return s.Append(ctx, tx)
	}},
	"answers in order of streams": {topic: "append", append: after(func(commits []eventstream.Commit, err error) ([]eventstream.Commit, error) {
		slices.SortFunc(commits, func(a, b eventstream.Commit) int { return cmp.Compare(a.Stream, b.Stream) })
		return commits, err
	})},
	"scribbles in what it is given": {topic: "append", append: func(s *session, ctx context.Context, tx eventstream.Transaction) ([]eventstream.Commit, error) {
		commits, err := s.Append(ctx, tx)
		for _, e := range tx.Entries {
			clear(e.Data)
		}
		return commits, err
	}},
	"scribbles behind what it is given": {topic: "append", append: func(s *session, ctx context.Context, tx eventstream.Transaction) ([]eventstream.Commit, error) {
		for _, e := range tx.Entries {
			_ = append(e.Data, "scribble"[:min(8, cap(e.Data)-len(e.Data))]...)
		}
		return s.Append(ctx, tx)
	}},
	"keeps what it is given": keepsSlices(),
	"loses the correlation":  {topic: "append", commit: func(c *eventstream.Commit) { c.Correlation = "" }},
	"cuts data at a zero":    {topic: "append", commit: func(c *eventstream.Commit) { c.Data = []byte(strings.TrimLeft(string(c.Data), "\x00")) }},

	"reads one page":   {topic: "append", read: reads(func(n int, _ eventstream.Commit) bool { return n <= 10 })},
	"reads with a gap": {topic: "append", read: reads(func(_ int, c eventstream.Commit) bool { return c.Seq != 7 })},
	"reads what was there too": {topic: "read", read: func(s *session, ctx context.Context, stream eventstream.StreamID, after eventstream.Seq) iter.Seq2[eventstream.Commit, error] {
		return s.Read(ctx, stream, max(after, 1)-1)
	}},
	"overflows": {topic: "read", read: func(s *session, ctx context.Context, stream eventstream.StreamID, after eventstream.Seq) iter.Seq2[eventstream.Commit, error] {
		return s.Read(ctx, stream, max(after+1, 1)-1)
	}},
	"reads once": {topic: "read", read: func(s *session, ctx context.Context, stream eventstream.StreamID, after eventstream.Seq) iter.Seq2[eventstream.Commit, error] {
		var walked bool
		return func(yield func(eventstream.Commit, error) bool) {
			if !walked {
				walked = true
				s.Read(ctx, stream, after)(yield)
			}
		}
	}},
	"has a last commit where there is none": {topic: "read", last: func(s *session, ctx context.Context, stream eventstream.StreamID) (eventstream.Commit, error) {
		commit, err := s.Last(ctx, stream)
		commit.Stream = stream
		return commit, err
	}},
	"is one behind with the head": {topic: "read", head: func(s *session, ctx context.Context, stream eventstream.StreamID) (eventstream.Seq, error) {
		head, err := s.Head(ctx, stream)
		return max(head, 1) - 1, err
	}},
	"knows heads without a context": {topic: "read", head: func(s *session, _ context.Context, stream eventstream.StreamID) (eventstream.Seq, error) {
		return s.Head(context.Background(), stream)
	}},
	"knows heads after its end": {topic: "read", head: func(s *session, ctx context.Context, stream eventstream.StreamID) (eventstream.Seq, error) {
		last, err := s.disk.Last(ctx, stream)
		return last.Seq, err
	}},
	"is one behind with the last": {topic: "read", last: func(s *session, ctx context.Context, stream eventstream.StreamID) (last eventstream.Commit, err error) {
		var before eventstream.Commit
		for commit, err := range s.Read(ctx, stream, 0) {
			if err != nil {
				return before, err
			}
			before, last = last, commit
		}
		return before, nil
	}},

	"imports as if it were new": {topic: "import", imports: func(s *session, ctx context.Context, transactions [][]eventstream.Commit) (int, error) {
		for i, commits := range transactions {
			tx := eventstream.Transaction{Command: commits[0].Command, Actor: commits[0].Actor, Correlation: commits[0].Correlation}
			for k := range commits {
				tx.Entries = append(tx.Entries, eventstream.Entry{Stream: commits[k].Stream, Expect: eventstream.Exactly(commits[k].Seq - 1), Data: commits[k].Data})
			}
			if _, err := s.Append(ctx, tx); err != nil {
				return i, err
			}
		}
		return len(transactions), nil
	}},
	"imports what was altered": {topic: "import", imports: func(s *session, ctx context.Context, transactions [][]eventstream.Commit) (int, error) {
		for i := range transactions {
			for k := range transactions[i] {
				transactions[i][k].Hash = transactions[i][k].ComputeHash()
			}
		}
		return s.Import(ctx, transactions)
	}},
	"passes over what does not fit": {topic: "import", imports: func(s *session, ctx context.Context, transactions [][]eventstream.Commit) (int, error) {
		done := 0
		for _, commits := range transactions {
			n, err := s.Import(ctx, [][]eventstream.Commit{commits})
			if done += n; err != nil && !errors.Is(err, eventstream.ErrGap) {
				return done, err
			}
		}
		return done, nil
	}},

	"writes half of a conflict": {topic: "conflicts", append: func(s *session, ctx context.Context, tx eventstream.Transaction) ([]eventstream.Commit, error) {
		commits, err := s.Append(ctx, tx)
		if errors.Is(err, eventstream.ErrConflict) {
			tx.Entries = tx.Entries[:1]
			s.Append(ctx, tx)
		}
		return commits, err
	}},
	"names one conflict": {topic: "conflicts", append: conflicts(func(c *eventstream.ConflictError) { c.Conflicts = c.Conflicts[:1] })},
	"names no winners":   {topic: "conflicts", append: conflicts(func(c *eventstream.ConflictError) { c.Conflicts[0].Winners = nil })},
	"names no head":      {topic: "conflicts", append: conflicts(func(c *eventstream.ConflictError) { c.Conflicts[0].Head = 0 })},
	"tells the stream": {topic: "conflicts", append: func(s *session, ctx context.Context, tx eventstream.Transaction) ([]eventstream.Commit, error) {
		commits, err := s.Append(ctx, tx)
		if err != nil {
			err = errors.Join(err, errors.New(string(tx.Entries[0].Stream)))
		}
		return commits, err
	}},

	"alters a commit":          {topic: "chain", commit: func(c *eventstream.Commit) { c.Actor += "." }},
	"forgets the chain":        {topic: "chain", commit: func(c *eventstream.Commit) { c.Previous = eventstream.Hash{}; c.Hash = c.ComputeHash() }},
	"forgets siblings":         {topic: "chain", commit: func(c *eventstream.Commit) { c.Siblings = nil; c.Hash = c.ComputeHash() }},
	"tells the time elsewhere": {topic: "chain", commit: func(c *eventstream.Commit) { c.Time = c.Time.In(time.FixedZone("", 60)) }},
	"tells the time by seconds": {topic: "chain", commit: func(c *eventstream.Commit) {
		c.Time = c.Time.Truncate(time.Second)
	}},
	"tells no time": {topic: "chain", commit: func(c *eventstream.Commit) { c.Time = time.Unix(0, 0).UTC() }},

	"is too small": {topic: "limits", append: func(s *session, ctx context.Context, tx eventstream.Transaction) ([]eventstream.Commit, error) {
		if len(tx.Entries) > 50 {
			return nil, eventstream.ErrTooLarge
		}
		return s.Append(ctx, tx)
	}},
	"cuts what is too large": {topic: "limits", append: entries(func(e eventstream.Entry) eventstream.Entry {
		e.Data = e.Data[:min(len(e.Data), eventstream.MaxData)]
		return e
	})},
	"mends what is invalid": {topic: "limits", append: entries(func(e eventstream.Entry) eventstream.Entry {
		e.Stream = eventstream.StreamID(strings.ToValidUTF8(string(e.Stream), "?"))
		return e
	})},

	"folds case": {topic: "stream ids", name: func(s eventstream.StreamID) eventstream.StreamID {
		return eventstream.StreamID(strings.ToLower(string(s)))
	}},
	"composes": {topic: "stream ids", name: func(s eventstream.StreamID) eventstream.StreamID {
		return eventstream.StreamID(strings.ReplaceAll(string(s), "e\u0301", "é"))
	}},
	"trims": {topic: "stream ids", name: func(s eventstream.StreamID) eventstream.StreamID {
		return eventstream.StreamID(strings.TrimRight(string(s), "/ \x00"))
	}},
	"cuts at a zero": {topic: "stream ids", name: func(s eventstream.StreamID) eventstream.StreamID {
		before, _, _ := strings.Cut(string(s), "\x00")
		return eventstream.StreamID(before)
	}},
	"fails at odd reads": {topic: "stream ids", last: func(s *session, ctx context.Context, stream eventstream.StreamID) (eventstream.Commit, error) {
		if stream == "" {
			return eventstream.Commit{}, eventstream.ErrInvalid
		}
		return s.Last(ctx, stream)
	}},

	"does not look at ctx": {topic: "context", append: func(s *session, ctx context.Context, tx eventstream.Transaction) ([]eventstream.Commit, error) {
		return s.Append(context.WithoutCancel(ctx), tx)
	}},
	"reads whatever ctx says": {topic: "context", read: func(s *session, ctx context.Context, stream eventstream.StreamID, after eventstream.Seq) iter.Seq2[eventstream.Commit, error] {
		return s.Read(context.WithoutCancel(ctx), stream, after)
	}},
	"stops silently": {topic: "context", read: func(s *session, ctx context.Context, stream eventstream.StreamID, after eventstream.Seq) iter.Seq2[eventstream.Commit, error] {
		return func(yield func(eventstream.Commit, error) bool) {
			for commit, err := range s.Read(ctx, stream, after) {
				if (err == nil || ctx.Err() == nil || commit.Seq == 0 && after == 0 && stream != "x") && !yield(commit, err) || err != nil {
					return
				}
			}
		}
	}},
	"says that nothing was written when it was": {topic: "context", append: func(s *session, ctx context.Context, tx eventstream.Transaction) ([]eventstream.Commit, error) {
		if commits, err := s.Append(context.WithoutCancel(ctx), tx); err != nil || ctx.Err() == nil {
			return commits, err
		}
		return nil, ctx.Err()
	}},

	"lets two win": {topic: "races", append: func(s *session, ctx context.Context, tx eventstream.Transaction) ([]eventstream.Commit, error) {
		commits, err := s.Append(ctx, tx)
		var conflict *eventstream.ConflictError
		if errors.As(err, &conflict) && len(tx.Entries) == 1 && len(conflict.Conflicts[0].Winners) > 0 {
			return conflict.Conflicts[0].Winners[:1], nil
		}
		return commits, err
	}},
	"writes one by one": {topic: "races", append: func(s *session, ctx context.Context, tx eventstream.Transaction) (all []eventstream.Commit, err error) {
		for _, e := range tx.Entries {
			commits, err := s.Append(ctx, eventstream.Transaction{Command: tx.Command, Entries: []eventstream.Entry{e}})
			if err != nil {
				return nil, err
			}
			all = append(all, commits...)
		}
		return all, nil
	}},
	"lets anybody collide": {topic: "races", append: collides()},
	"reads what it has not got yet": {topic: "races", read: func(s *session, ctx context.Context, stream eventstream.StreamID, after eventstream.Seq) iter.Seq2[eventstream.Commit, error] {
		return picked(s.Read(ctx, stream, after), func(_ int, c eventstream.Commit) bool { return c.Seq%16 != 15 })
	}},

	"leaves the newest out": {topic: "recent", recent: func(s *session, ctx context.Context, since time.Time) iter.Seq2[eventstream.Position, error] {
		return s.Recent(ctx, since.Add(time.Millisecond))
	}},
	"leaves one out": {topic: "recent", recent: func(s *session, ctx context.Context, since time.Time) iter.Seq2[eventstream.Position, error] {
		return picked(s.Recent(ctx, since), func(_ int, p eventstream.Position) bool { return p.Stream != "users/7" })
	}},
	"names what is not there": {topic: "recent", recent: func(s *session, ctx context.Context, since time.Time) iter.Seq2[eventstream.Position, error] {
		return func(yield func(eventstream.Position, error) bool) {
			s.Recent(ctx, since)(func(p eventstream.Position, err error) bool {
				return yield(eventstream.Position{Stream: p.Stream, Seq: p.Seq + 1}, err)
			})
		}
	}},

	"counts from 0":  {topic: "log", commit: func(c *eventstream.Commit) { c.Log-- }},
	"ends too early": {topic: "log", end: func(s *session) uint64 { return max(s.End(), 1) - 1 }},
	"tails from the beginning again": {topic: "log", tail: func(s *session, ctx context.Context, after uint64) iter.Seq2[[]eventstream.Commit, error] {
		if after > s.End() {
			after = 0
		}
		return s.Tail(ctx, after)
	}},
	"tails with gaps": {topic: "log", tail: func(s *session, ctx context.Context, after uint64) iter.Seq2[[]eventstream.Commit, error] {
		return picked(s.Tail(ctx, after), func(_ int, commits []eventstream.Commit) bool { return commits[0].Log != 5 })
	}},
	"tails in order of streams": {topic: "log", tail: func(s *session, ctx context.Context, after uint64) iter.Seq2[[]eventstream.Commit, error] {
		return func(yield func([]eventstream.Commit, error) bool) {
			s.Tail(ctx, after)(func(commits []eventstream.Commit, err error) bool {
				commits = slices.Clone(commits)
				slices.SortFunc(commits, func(a, b eventstream.Commit) int { return cmp.Compare(a.Stream, b.Stream) })
				return yield(commits, err)
			})
		}
	}},

	"tells nobody": {topic: "observer", observe: func(eventstream.Observer) eventstream.Observer { return func([][]eventstream.Commit) {} }},
	"tells twice": {topic: "observer", observe: func(told eventstream.Observer) eventstream.Observer {
		return func(transactions [][]eventstream.Commit) { told(transactions); told(transactions) }
	}},
	"tells later": {topic: "observer", observe: func(told eventstream.Observer) eventstream.Observer {
		var waiting [][]eventstream.Commit
		return func(transactions [][]eventstream.Commit) {
			told(waiting)
			waiting = transactions
		}
	}},
	"tells of conflicts": {topic: "observer", append: func(s *session, ctx context.Context, tx eventstream.Transaction) ([]eventstream.Commit, error) {
		commits, err := s.Append(ctx, tx)
		if observe := s.given().Observe; errors.Is(err, eventstream.ErrConflict) && observe != nil {
			observe([][]eventstream.Commit{{}})
		}
		return commits, err
	}},
	"tells before it can be read":        {topic: "observer", read: hidden()},
	"lets readers wait for the observer": {topic: "observer", hangs: true, append: blocked.append, last: blocked.last},

	"appends what is waited for": {topic: "queue", enqueue: func(s *session, _ context.Context, tx eventstream.Transaction) (eventstream.Appending, error) {
		return waiting(func(ctx context.Context) ([]eventstream.Commit, error) { return s.Append(ctx, tx) }), nil
	}},
	"enqueues in no order": {topic: "queue", enqueue: outOfOrder()},
	"calls off what is written": {topic: "queue", enqueue: func(s *session, ctx context.Context, tx eventstream.Transaction) (eventstream.Appending, error) {
		appending, err := s.Enqueue(ctx, tx)
		return waiting(func(ctx context.Context) ([]eventstream.Commit, error) {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			return appending.Wait(ctx)
		}), err
	}},
	"enqueues when closed": {topic: "queue", enqueue: func(s *session, ctx context.Context, tx eventstream.Transaction) (eventstream.Appending, error) {
		if s.isClosed() {
			return waiting(nil), nil
		}
		return s.Enqueue(ctx, tx)
	}},
	"does not close": {topic: "close", close: func(*session) error { return nil }},
	"closes once":    {topic: "close", close: closesOnce()},
	"reads when closed": {topic: "close", read: func(s *session, ctx context.Context, stream eventstream.StreamID, after eventstream.Seq) iter.Seq2[eventstream.Commit, error] {
		return s.disk.Read(ctx, stream, after)
	}},
	"fails as it closes": {topic: "close", append: after(func(commits []eventstream.Commit, err error) ([]eventstream.Commit, error) {
		if errors.Is(err, eventstream.ErrClosed) {
			err = eventstream.ErrUnavailable
		}
		return commits, err
	})},

	"forgets the last":     {topic: "reopen", forget: copied(func(end uint64, log uint64) bool { return log < end })},
	"forgets all":          {topic: "reopen", forget: func(*disk) *disk { return newDisk() }},
	"tells of old commits": {topic: "reopen", forget: copied(func(uint64, uint64) bool { return true })},

	"lets a number pass": {topic: "histories", append: func(s *session, ctx context.Context, tx eventstream.Transaction) ([]eventstream.Commit, error) {
		tx.Entries = slices.Clone(tx.Entries)
		for i := range tx.Entries[1:] {
			if tx.Entries[i+1].Expect == eventstream.Exactly(1) {
				tx.Entries[i+1].Expect = eventstream.Exists()
			}
		}
		return s.Append(ctx, tx)
	}},
	"answers a winner too many": {topic: "histories", append: conflicts(func(c *eventstream.ConflictError) {
		if winners := c.Conflicts[0].Winners; len(winners) == 3 {
			c.Conflicts[0].Winners = winners[:2]
		}
	})},
	"reads from a cache": {topic: "linearizable", read: stale()},
}
