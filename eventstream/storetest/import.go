package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/memstore"
)

var importSentences = []sentence{
	{says: "what was imported is there as it was sealed", needs: []Feature{Imports}, test: testImport},
	{says: "a log that is imported keeps its positions", needs: []Feature{Imports, NumberedLog}, test: testImportPositions},
	{says: "importing again writes nothing", needs: []Feature{Imports}, test: testImportAgain},
	{says: "an import goes on where one was cut off", needs: []Feature{Imports}, test: testImportGoesOn},
	{says: "appends go on where an import ends", needs: []Feature{Imports}, test: testImportThenAppend},
	{says: "what is not as it was sealed is refused", needs: []Feature{Imports}, test: testImportAltered},
	{says: "what contradicts the store is refused, and nothing of it is written", needs: []Feature{Imports}, test: testImportContradiction},
	{says: "what leaves a gap is refused, and nothing of it is written", needs: []Feature{Imports}, test: testImportGap},
	{says: "half of a transaction is refused", needs: []Feature{Imports}, test: testImportHalf},
	{says: "imports of the same at once all succeed, and it is there once", needs: []Feature{Imports}, test: testImportTogether},
	{says: "an import with a context that has ended writes nothing", needs: []Feature{Imports}, test: testImportCancelled},
	{says: "a closed store imports nothing", needs: []Feature{Imports}, test: testImportClosed},
	{says: "the observer was told of what is imported before the import returns", needs: []Feature{Imports, Observed}, test: testImportObserved},
	{says: "what was imported is there when the store is opened again", needs: []Feature{Imports, Durable}, test: testImportReopen},
}

// source is another store, which transactions are taken from.
type source struct {
	*memstore.Store
	t *testing.T
}

// newSource gives a store that was written to: entities of their own, busy streams,
// streams that are changed again and again, and data of all kinds.
func newSource(t *testing.T, transactions int) *source {
	t.Helper()
	s := &source{memstore.New(&memstore.Options{Now: newClock(noon).now}), t}
	for i := range transactions {
		own := eventstream.UserStream(uuid.UUID{14: byte(i >> 8), 15: byte(i)})
		switch i % 4 {
		case 0:
			s.write(entry(own, eventstream.Empty(), fmt.Sprint("user ", i)), entry("users/0", eventstream.Any(), "listed"), entry(eventstream.ClaimStream("email", fmt.Sprint(i)), eventstream.Empty(), ""))
		case 1:
			s.write(entry("group/1", eventstream.Exactly(eventstream.Seq(i/4)), fmt.Sprint("\x00\xff ", i)))
		case 2:
			s.write(entry("nesting", eventstream.Any(), `[{"type":"Ελένη"}]`), entry(own, eventstream.Empty(), ""))
		default:
			s.write(eventstream.Entry{Stream: own, Expect: eventstream.Empty(), Data: bytesOf(i * 37 % 5000)})
		}
	}
	return s
}

func (s *source) write(entries ...eventstream.Entry) {
	s.t.Helper()
	if _, err := s.Append(s.t.Context(), transaction(entries...)); err != nil {
		s.t.Fatalf("write to the source: %v", err)
	}
}

// sealed gives its transactions after a position, as those who carry them have them.
func (s *source) sealed(after uint64) [][]eventstream.Commit {
	s.t.Helper()
	all, err := tailAll(s.t.Context(), s.Store, after)
	if err != nil {
		s.t.Fatalf("read the source: %v", err)
	}
	for i := range all {
		for k := range all[i] {
			all[i][k].Log = 0
			all[i][k].Data = slices.Clone(all[i][k].Data)
		}
	}
	return all
}

func (s *subject) importer() eventstream.Importer { return s.Store.(eventstream.Importer) }

// take imports transactions, all of them.
func (s *subject) take(transactions [][]eventstream.Commit) {
	s.t.Helper()
	done, err := s.importer().Import(s.t.Context(), transactions)
	if err != nil || done != len(transactions) {
		s.t.Fatalf("imported %d of %d: %v", done, len(transactions), err)
	}
}

// holds demands that streams are exactly those of the source.
func (s *subject) holds(of *source) {
	s.t.Helper()
	for _, stream := range streamsOf(of.sealed(0)) {
		want, err := readAll(s.t.Context(), of, stream, 0)
		if err != nil {
			s.t.Fatalf("read the source: %v", err)
		}
		same(s.t, "a stream that was imported", withoutLog(s.read(stream, 0)), withoutLog(want))
		same(s.t, "its last commit", withoutLog([]eventstream.Commit{s.last(stream)}), withoutLog(want[len(want)-1:]))
	}
}

func streamsOf(transactions [][]eventstream.Commit) []eventstream.StreamID {
	var streams []eventstream.StreamID
	for _, commits := range transactions {
		for i := range commits {
			if commits[i].Seq == 1 {
				streams = append(streams, commits[i].Stream)
			}
		}
	}
	return streams
}

func withoutLog(commits []eventstream.Commit) []eventstream.Commit {
	plain := slices.Clone(commits)
	for i := range plain {
		plain[i].Log = 0
	}
	return plain
}

// refused demands that the last of the transactions is refused, that those before it
// are there, and that nothing else was written.
func (s *subject) refused(transactions [][]eventstream.Commit, kind error, at eventstream.Position) {
	s.t.Helper()
	heads := map[eventstream.StreamID]eventstream.Seq{}
	last := transactions[len(transactions)-1]
	done, err := s.importer().Import(s.t.Context(), transactions[:len(transactions)-1])
	if err != nil || done != len(transactions)-1 {
		s.t.Fatalf("imported %d: %v", done, err)
	}
	for i := range last {
		heads[last[i].Stream] = s.last(last[i].Stream).Seq
	}
	done, err = s.importer().Import(s.t.Context(), transactions)
	var misfit *eventstream.ImportError
	if done != len(transactions)-1 || !errors.As(err, &misfit) || !errors.Is(err, kind) || misfit.Position != at {
		s.t.Fatalf("imported %d of %d: %v; want %v at %v", done, len(transactions), err, kind, at)
	}
	for stream, head := range heads {
		if got := s.last(stream).Seq; got != head {
			s.t.Fatalf("%s is at %d after an import that was refused, not at %d", stream, got, head)
		}
	}
}

func testImport(t *testing.T, h Harness) {
	s, from := open(t, h, Options{}), newSource(t, 120)
	s.take(from.sealed(0))
	s.holds(from)
}

func testImportPositions(t *testing.T, h Harness) {
	s, from := open(t, h, Options{}), newSource(t, 60)
	s.take(from.sealed(0))
	want, err := tailAll(t.Context(), from, 0)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "the log", s.tail(0), want)
	same(t, "its end", s.log().End(), from.End())
}

func testImportAgain(t *testing.T, h Harness) {
	s, from := open(t, h, Options{}), newSource(t, 60)
	s.take(from.sealed(0))
	s.take(from.sealed(0))
	s.take(from.sealed(41))
	s.holds(from)
	if h.can(NumberedLog) {
		same(t, "the end of the log", s.log().End(), from.End())
	}
}

func testImportGoesOn(t *testing.T, h Harness) {
	s, from := open(t, h, Options{}), newSource(t, 60)
	s.take(from.sealed(0)[:23])
	s.take(from.sealed(20))
	s.holds(from)
}

func testImportThenAppend(t *testing.T, h Harness) {
	s, from := open(t, h, Options{}), newSource(t, 20)
	s.take(from.sealed(0))
	before := s.last("users/0")
	after := s.write(entry("users/0", eventstream.Exactly(before.Seq), "more"))[0]
	if after.Seq != before.Seq+1 || after.Previous != before.Hash || after.Time.Before(before.Time) {
		t.Fatalf("commit %d of %s does not continue commit %d", after.Seq, after.Stream, before.Seq)
	}
	s.take([][]eventstream.Commit{{after}})
	s.conflict(entry("group/1", eventstream.Empty(), ""))
}

func testImportAltered(t *testing.T, h Harness) {
	for what, alter := range map[string]func(*eventstream.Commit){
		"data":        func(c *eventstream.Commit) { c.Data = append(slices.Clone(c.Data), '.') },
		"time":        func(c *eventstream.Commit) { c.Time = c.Time.AddDate(0, 0, 1) },
		"actor":       func(c *eventstream.Commit) { c.Actor = "another" },
		"correlation": func(c *eventstream.Commit) { c.Correlation = "another" },
		"command":     func(c *eventstream.Commit) { c.Command[3]++ },
		"hash":        func(c *eventstream.Commit) { c.Hash[7] ^= 1 },
		"previous":    func(c *eventstream.Commit) { c.Previous[7] ^= 1 },
		"number":      func(c *eventstream.Commit) { c.Seq++ },
		"no number":   func(c *eventstream.Commit) { c.Seq = 0; c.Hash = c.ComputeHash() },
		"stream":      func(c *eventstream.Commit) { c.Stream += "0" },
		"no stream":   func(c *eventstream.Commit) { c.Stream = ""; c.Hash = c.ComputeHash() },
		"sibling":     func(c *eventstream.Commit) { c.Siblings = []eventstream.Position{{Stream: "x", Seq: 1}} },
		"too large":   func(c *eventstream.Commit) { c.Data = make([]byte, eventstream.MaxData+1); c.Hash = c.ComputeHash() },
	} {
		s, from := open(t, h, Options{}), newSource(t, 6)
		transactions := from.sealed(0)
		alter(&transactions[5][0])
		t.Log(what)
		s.refused(transactions, eventstream.ErrAltered, transactions[5][0].Position())
	}
	s := open(t, h, Options{})
	if done, err := s.importer().Import(t.Context(), [][]eventstream.Commit{{}}); done != 0 || !errors.Is(err, eventstream.ErrAltered) {
		t.Fatalf("a transaction of nothing: %d, %v", done, err)
	}
}

func testImportContradiction(t *testing.T, h Harness) {
	s, from := open(t, h, Options{}), newSource(t, 10)
	s.take(from.sealed(0))
	s.write(entry("users/0", eventstream.Any(), "otherwise"), entry("own", eventstream.Empty(), ""))
	from.write(entry("fresh", eventstream.Empty(), ""), entry("users/0", eventstream.Any(), "as sealed"))
	at := from.sealed(10)[0][1].Position()
	s.refused(from.sealed(0), eventstream.ErrContradicts, at)
	s.empty("fresh")
	s.write(entry("users/0", eventstream.Any(), "further"), entry("own", eventstream.Exactly(1), ""))
	s.refused(from.sealed(0), eventstream.ErrContradicts, at)

	behind, other := open(t, h, Options{}), newSource(t, 10)
	behind.write(entry("group/1", eventstream.Empty(), "otherwise"))
	seconds := slices.DeleteFunc(other.sealed(0), func(tx []eventstream.Commit) bool { return tx[0].Stream != "group/1" || tx[0].Seq != 2 })
	behind.refused(seconds, eventstream.ErrContradicts, eventstream.Position{Stream: "group/1", Seq: 2})
}

func testImportGap(t *testing.T, h Harness) {
	s, from := open(t, h, Options{}), newSource(t, 12)
	transactions := from.sealed(0)
	s.take(transactions[:4])
	head := s.last("group/1").Seq
	s.refused(transactions[9:10], eventstream.ErrGap, eventstream.Position{Stream: "group/1", Seq: 3})
	var misfit *eventstream.ImportError
	if _, err := s.importer().Import(t.Context(), transactions[9:10]); !errors.As(err, &misfit) || misfit.Head != head {
		t.Fatalf("the stream is at %d: %v", head, err)
	}
	s.refused(transactions[8:9], eventstream.ErrGap, eventstream.Position{Stream: "users/0", Seq: 3})
}

func testImportHalf(t *testing.T, h Harness) {
	s, from := open(t, h, Options{}), newSource(t, 5)
	transactions := from.sealed(0)
	transactions[4] = transactions[4][:2]
	s.refused(transactions, eventstream.ErrAltered, transactions[4][0].Position())
}

func testImportTogether(t *testing.T, h Harness) {
	s, from := open(t, h, Options{}), newSource(t, 80)
	transactions := from.sealed(0)
	together(t, 4, func(i int) error {
		for after := 0; after < len(transactions); after += 10 + i {
			some := transactions[after:min(len(transactions), after+10+i)]
			if done, err := s.importer().Import(t.Context(), some); err != nil || done != len(some) {
				return fmt.Errorf("imported %d of %d: %w", done, len(some), err)
			}
		}
		return nil
	})
	s.holds(from)
	if h.can(NumberedLog) {
		same(t, "the end of the log", s.log().End(), from.End())
	}
}

func testImportCancelled(t *testing.T, h Harness) {
	s, from := open(t, h, Options{}), newSource(t, 4)
	if done, err := s.importer().Import(cancelled(), from.sealed(0)); done != 0 || !errors.Is(err, context.Canceled) {
		t.Fatalf("imported %d: %v", done, err)
	}
	s.empty(streamsOf(from.sealed(0))...)
}

func testImportClosed(t *testing.T, h Harness) {
	s, from := open(t, h, Options{}), newSource(t, 4)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if done, err := s.importer().Import(t.Context(), from.sealed(0)); done != 0 || !errors.Is(err, eventstream.ErrClosed) {
		t.Fatalf("imported %d: %v", done, err)
	}
}

func testImportObserved(t *testing.T, h Harness) {
	w := &witness{}
	s, from := open(t, h, Options{Observe: w.observe}), newSource(t, 30)
	transactions := from.sealed(0)
	for after := 0; after < len(transactions); after += 5 {
		s.take(transactions[after : after+5])
		told := w.all()
		if len(told) != after+5 {
			t.Fatalf("told of %d transactions, and %d are there", len(told), after+5)
		}
		for i := range told {
			same(t, "what was told", withoutLog(told[i]), withoutLog(transactions[i]))
		}
	}
	s.take(transactions)
	if told := w.all(); len(told) != len(transactions) {
		t.Fatalf("told again of what was there: %d", len(told))
	}
}

func testImportReopen(t *testing.T, h Harness) {
	s, from := open(t, h, Options{}), newSource(t, 60)
	transactions := from.sealed(0)
	for after := 0; after < len(transactions); after += 20 {
		s.take(transactions[after : after+20])
		s.reopen(h, Options{})
	}
	s.holds(from)
	s.take(transactions)
	s.write(entry("users/0", eventstream.Exactly(s.last("users/0").Seq), "more"))
}
