package closure_test

import (
	"errors"
	"testing"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/memstore"
	"github.com/seed5b6a70b4/identity/queries/closure"
)

// put appends one commit to nesting.
func put(t *testing.T, streams *eventstream.Streams, data []byte) {
	t.Helper()
	last, err := streams.Last(t.Context(), eventstream.NestingStream)
	if err == nil {
		_, err = streams.Append(t.Context(), eventstream.Transaction{Command: uuid.New(), Actor: "test", Entries: []eventstream.Entry{
			{Stream: eventstream.NestingStream, Expect: eventstream.Exactly(last.Seq), Data: data},
		}})
	}
	if err != nil {
		t.Fatal(err)
	}
}

func nested(t *testing.T, group, member domain.GroupID) []byte {
	t.Helper()
	data, err := domain.EncodeEvents([]domain.Event{domain.SetNesting{Group: group, Member: member, Present: true}})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestARebuiltClosureAnswersAndGoesOn(t *testing.T) {
	streams := eventstream.New(memstore.New(nil), nil)
	c := closure.New(streams, nil)
	top, middle, bottom := domain.NewID[domain.Group](), domain.NewID[domain.Group](), domain.NewID[domain.Group]()
	put(t, streams, nested(t, top, middle))
	told := uint64(0)
	made, err := c.Rebuild(t.Context(), closure.RebuildOptions{Progress: func(done uint64) { told = done }})
	if err != nil || made.Compared != 2 || made.Seq != 1 || told != 1 || c.Seq() != 1 {
		t.Fatalf("rebuilt %+v, told %d, %v", made, told, err)
	}
	if way := c.Way([]domain.GroupID{middle}, top); len(way) == 0 {
		t.Error("no way from a member to its group")
	}
	put(t, streams, nested(t, middle, bottom))
	if err := c.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if way := c.Way([]domain.GroupID{bottom}, top); len(way) == 0 {
		t.Error("what comes after the rebuild is not followed")
	}
}

func TestAClosureThatCannotBeFoldedStaysAsItIs(t *testing.T) {
	streams := eventstream.New(memstore.New(nil), nil)
	c := closure.New(streams, nil)
	top, middle := domain.NewID[domain.Group](), domain.NewID[domain.Group]()
	put(t, streams, nested(t, top, middle))
	if err := c.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	put(t, streams, []byte(`[{"type":"SetShoeSize","v":1,"data":{}}]`))
	if _, err := c.Rebuild(t.Context(), closure.RebuildOptions{}); !errors.Is(err, eventstream.ErrParked) {
		t.Errorf("rebuilt: %v", err)
	}
	if way := c.Way([]domain.GroupID{middle}, top); len(way) == 0 || c.Seq() != 1 {
		t.Errorf("the old graph is at %d, %v", c.Seq(), way)
	}
}

func TestDifferingGroupsAreNamed(t *testing.T) {
	a, b := &domain.Nesting{}, &domain.Nesting{}
	top, middle, other := domain.NewID[domain.Group](), domain.NewID[domain.Group](), domain.NewID[domain.Group]()
	for graph, member := range map[*domain.Nesting]domain.GroupID{a: middle, b: other} {
		if err := graph.Apply(1, []domain.Event{domain.SetNesting{Group: top, Member: member, Present: true}}); err != nil {
			t.Fatal(err)
		}
	}
	if compared, differing := a.Differing(b); compared != 3 || len(differing) != 3 {
		t.Errorf("%d compared, %v differ", compared, differing)
	}
	if compared, differing := a.Differing(a); compared != 2 || len(differing) > 0 {
		t.Errorf("%d compared, %v differ from themselves", compared, differing)
	}
}
