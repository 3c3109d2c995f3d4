package domain_test

import (
	"testing"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
)

func TestNestingNamesTheGroupsOfItsEdges(t *testing.T) {
	group := func(n byte) domain.GroupID { return domain.GroupID{UUID: uuid.UUID{15: n}} }
	edge := func(outer, inner byte, present bool) domain.Event {
		return domain.SetNesting{Group: group(outer), Member: group(inner), Present: present}
	}
	var nesting domain.Nesting
	for seq, step := range []struct {
		event domain.Event
		named string // of the groups 1, 2 and 3
	}{
		{edge(1, 2, true), "yes yes no"},
		{edge(1, 2, true), "yes yes no"}, // again, it is one edge still
		{edge(1, 2, false), "no no no"},
		{edge(1, 2, false), "no no no"},
		{edge(1, 3, true), "yes no yes"},
		{edge(2, 3, true), "yes yes yes"},
		{domain.SetNode{Group: group(1), Removed: true}, "no yes yes"},
		{edge(2, 3, false), "no no no"},
	} {
		if err := nesting.Apply(uint64(seq)+1, []domain.Event{step.event}); err != nil {
			t.Fatal(err)
		}
		named := ""
		for n := byte(1); n <= 3; n++ {
			if n > 1 {
				named += " "
			}
			if nesting.Names(group(n)) {
				named += "yes"
			} else {
				named += "no"
			}
		}
		if named != step.named {
			t.Errorf("after commit %d, groups are named: %s; want %s", seq+1, named, step.named)
		}
	}
}
