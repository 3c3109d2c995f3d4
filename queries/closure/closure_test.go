package closure_test

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"
	"pgregory.net/rapid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/memstore"
	"github.com/seed5b6a70b4/identity/queries/closure"
)

type edge struct{ group, member int }

// model is the graph as plainly as it can be had.
type model struct {
	edges map[edge]bool
	gone  map[int]bool
	count int
}

// up gives the groups that one is directly in, living ones only.
func (m *model) up(of int) (groups []int) {
	for group := range m.count {
		if m.edges[edge{group, of}] && !m.gone[group] && !m.gone[of] {
			groups = append(groups, group)
		}
	}
	return groups
}

func (m *model) down(of int) (groups []int) {
	for member := range m.count {
		if m.edges[edge{of, member}] && !m.gone[member] && !m.gone[of] {
			groups = append(groups, member)
		}
	}
	return groups
}

// walk gives how far away every group is that can be reached.
func (m *model) walk(from int, next func(int) []int) map[int]int {
	steps := map[int]int{}
	if m.gone[from] {
		return steps
	}
	steps[from] = 0
	for open := []int{from}; len(open) > 0; open = open[1:] {
		for _, beyond := range next(open[0]) {
			if _, again := steps[beyond]; !again {
				steps[beyond] = steps[open[0]] + 1
				open = append(open, beyond)
			}
		}
	}
	return steps
}

// id of a group: not in the order of the numbers.
func id(number int) domain.GroupID {
	return domain.GroupID{UUID: uuid.UUID{0: byte(number*37 + 11), 15: byte(number) + 1}}
}

func compareIDs(a, b domain.GroupID) int { return bytes.Compare(a.UUID[:], b.UUID[:]) }

type stream struct {
	store   *memstore.Store
	streams *eventstream.Streams
	seq     eventstream.Seq
}

func newStream(observe eventstream.Observer) *stream {
	store := memstore.New(&memstore.Options{Observe: observe})
	return &stream{store: store, streams: eventstream.New(store, nil)}
}

// headless is a store that has to be asked how far a stream is.
type headless struct{ eventstream.Store }

type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

func (s *stream) write(t fataler, events ...domain.Event) {
	t.Helper()
	data, err := domain.EncodeEvents(events)
	if err != nil {
		t.Fatalf("encode: %v", err)
	}
	s.writeRaw(t, data)
}

func (s *stream) writeRaw(t fataler, data []byte) {
	t.Helper()
	_, err := s.streams.Append(context.Background(), eventstream.Transaction{
		Command: uuid.New(), Actor: "test",
		Entries: []eventstream.Entry{{Stream: eventstream.NestingStream, Expect: eventstream.Exactly(s.seq), Data: data}},
	})
	if err != nil {
		t.Fatalf("append: %v", err)
	}
	s.seq++
}

// Whatever happened, the closure equals a walk of the graph: moves, diamonds,
// groups deleted in the middle, edges that come again; asked in between, so that
// there is something to forget, and folded anew.
func TestClosureEqualsAWalk(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, m := newStream(nil), &model{edges: map[edge]bool{}, gone: map[int]bool{}, count: 7}
		if rapid.Bool().Draw(t, "headless") {
			s.streams = eventstream.New(headless{s.store}, nil)
		}
		c := closure.New(s.streams, nil)
		number := rapid.IntRange(0, m.count-1)
		change := func(t *rapid.T) domain.Event {
			a, b := number.Draw(t, "a"), number.Draw(t, "b")
			group, member := min(a, b), max(a, b)
			if a == b || rapid.IntRange(0, 9).Draw(t, "delete") == 0 {
				if m.gone[a] {
					return domain.SetNode{Group: id(a), Removed: true}
				}
				m.gone[a] = true
				for member := range m.count {
					delete(m.edges, edge{a, member})
				}
				return domain.SetNode{Group: id(a), Removed: true}
			}
			present := rapid.IntRange(0, 3).Draw(t, "present") > 0 && !m.gone[group]
			m.edges[edge{group, member}] = present
			return domain.SetNesting{Group: id(group), Member: id(member), Present: present}
		}
		t.Repeat(map[string]func(*rapid.T){
			"change":    func(t *rapid.T) { s.write(t, change(t)) },
			"change 2":  func(t *rapid.T) { s.write(t, change(t), change(t)) },
			"ask":       func(t *rapid.T) { compare(t, c, m, s) },
			"ask again": func(t *rapid.T) { compare(t, c, m, s) },
			"refold": func(t *rapid.T) {
				if same, err := c.Refold(t.Context()); err != nil || !same {
					t.Fatalf("refolded: same %v, %v", same, err)
				}
			},
			"": func(*rapid.T) {},
		})
		compare(t, c, m, s)
	})
}

func compare(t *rapid.T, c *closure.Closure, m *model, s *stream) {
	if err := c.Refresh(t.Context()); err != nil || c.Seq() != s.seq {
		t.Fatalf("refreshed to %d of %d: %v", c.Seq(), s.seq, err)
	}
	// Some only, so that what is remembered differs.
	for _, group := range rapid.SliceOfNDistinct(rapid.IntRange(0, m.count-1), 1, m.count, rapid.ID).Draw(t, "asked") {
		below, want := c.Below(id(group)), m.walk(group, m.down)
		if len(below.Groups()) != len(want) || !slices.IsSortedFunc(below.Groups(), compareIDs) {
			t.Fatalf("below %d: %v, want %v", group, below.Groups(), want)
		}
		for member := range m.count {
			steps, reached := below.Steps(id(member))
			if far, is := want[member]; is != reached || far != steps {
				t.Fatalf("from %d down to %d: %d %v, want %d %v", group, member, steps, reached, far, is)
			}
			checkWay(t, m, below.Back(id(member)), member, group, want[member], reached)
			_, inside := want[member]
			checkWay(t, m, c.Way([]domain.GroupID{id(member)}, id(group)), member, group, want[member], inside)
		}
	}
	compareAbove(t, c, m)
}

func compareAbove(t *rapid.T, c *closure.Closure, m *model) {
	from := rapid.SliceOfNDistinct(rapid.IntRange(0, m.count-1), 0, 3, rapid.ID).Draw(t, "from")
	want := map[domain.GroupID]int{}
	ids := make([]domain.GroupID, len(from))
	for i, group := range from {
		ids[i] = id(group)
		for above, steps := range m.walk(group, m.up) {
			if known, is := want[id(above)]; !is || steps < known {
				want[id(above)] = steps
			}
		}
	}
	for group := range m.count {
		steps, is := want[id(group)]
		if way := c.Way(ids, id(group)); (way != nil) != is || is && len(way) != steps+1 {
			t.Fatalf("way from %v to %d: %v, want %d steps, %v", from, group, way, steps, is)
		}
	}
	var walked []domain.GroupID
	limit := rapid.IntRange(1, 3).Draw(t, "limit")
	for after := (domain.GroupID{}); ; after = walked[len(walked)-1] {
		ways := c.Above(ids, after, limit)
		for _, way := range ways {
			last := way[len(way)-1]
			if len(way) != want[last]+1 {
				t.Fatalf("above %v: way %v, want %d steps", from, way, want[last])
			}
			walked = append(walked, last)
		}
		if len(ways) < limit {
			break
		}
	}
	if len(walked) != len(want) || !slices.IsSortedFunc(walked, compareIDs) {
		t.Fatalf("above %v: %v, want %v", from, walked, want)
	}
}

// checkWay demands a way of the number of steps whose edges are there.
func checkWay(t *rapid.T, m *model, way []domain.GroupID, from, to, steps int, is bool) {
	if !is {
		if way != nil {
			t.Fatalf("way from %d to %d: %v, want none", from, to, way)
		}
		return
	}
	if len(way) != steps+1 || way[0] != id(from) || way[steps] != id(to) {
		t.Fatalf("way from %d to %d: %v, want %d steps", from, to, way, steps)
	}
	for i := range steps {
		if !m.edges[edge{int(way[i+1].UUID[15]) - 1, int(way[i].UUID[15]) - 1}] {
			t.Fatalf("way from %d to %d: %v, whose step %d is no edge", from, to, way, i)
		}
	}
}

// A commit that cannot be folded parks the closure, for everybody, until it is
// folded anew by who can.
func TestParked(t *testing.T) {
	s := newStream(nil)
	c := closure.New(s.streams, nil)
	s.write(t, domain.SetNesting{Group: id(1), Member: id(2), Present: true})
	if err := c.Refresh(t.Context()); err != nil || c.Parked() != nil {
		t.Fatalf("refresh: %v, parked %v", err, c.Parked())
	}
	s.writeRaw(t, []byte(`[{"t":"SetSomethingNew","v":1,"d":{}}]`))
	s.write(t, domain.SetNesting{Group: id(2), Member: id(3), Present: true})
	for range 2 {
		if err := c.Refresh(t.Context()); !errors.Is(err, eventstream.ErrParked) {
			t.Errorf("refresh: %v, want parked", err)
		}
	}
	if parked := c.Parked(); parked == nil || parked.Seq != 2 || c.Seq() != 1 {
		t.Errorf("at %d, parked %v", c.Seq(), parked)
	}
	if _, err := c.Refold(t.Context()); !errors.Is(err, eventstream.ErrParked) || c.Parked() == nil {
		t.Errorf("refold: %v, parked %v", err, c.Parked())
	}
}

// Run follows what it is told of, and ends with its context.
func TestRun(t *testing.T) {
	var c *closure.Closure
	s := newStream(func(transactions [][]eventstream.Commit) { c.Observe(transactions) })
	c = closure.New(s.streams, &closure.Options{Every: time.Hour})
	ctx, cancel := context.WithCancel(t.Context())
	var group errgroup.Group
	group.Go(func() error { return c.Run(ctx) })
	for range 3 {
		s.write(t, domain.SetNesting{Group: id(1), Member: id(2), Present: true})
		for c.Seq() < s.seq { // ends, or the test's time does
			runtime.Gosched()
		}
	}
	cancel()
	if err := group.Wait(); err != nil {
		t.Error(err)
	}
}

// Refresh waits no longer than its context, and says that the closure is behind.
func TestRefreshIsBounded(t *testing.T) {
	s := newStream(nil)
	s.write(t, domain.SetNesting{Group: id(1), Member: id(2), Present: true})
	c := closure.New(s.streams, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Refresh(ctx); !errors.Is(err, eventstream.ErrBehind) {
		t.Errorf("refresh: %v, want behind", err)
	}
}
