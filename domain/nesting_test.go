package domain_test

import (
	"fmt"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/seed5b6a70b4/identity/domain"
)

func numbered(n int) domain.GroupID {
	id := uuid.UUID{15: byte(n + 1)}
	return domain.GroupID{UUID: id}
}

// TestReachesIsThatOfTheEdgesBetweenGroupsThatLive compares with the transitive
// closure, made the plain way.
func TestReachesIsThatOfTheEdgesBetweenGroupsThatLive(t *testing.T) {
	const groups = 6
	rapid.Check(t, func(t *rapid.T) {
		var nesting domain.Nesting
		var edges [groups][groups]bool
		var gone [groups]bool
		for seq := range rapid.Uint64Range(0, 30).Draw(t, "commits") {
			a, b := rapid.IntRange(0, groups-1).Draw(t, "a"), rapid.IntRange(0, groups-1).Draw(t, "b")
			var event domain.Event
			if rapid.IntRange(0, 5).Draw(t, "kind") == 0 {
				if gone[a] = rapid.IntRange(0, 3).Draw(t, "removed") > 0; gone[a] {
					edges[a] = [groups]bool{}
				}
				event = domain.SetNode{Group: numbered(a), Removed: gone[a]}
			} else {
				edges[a][b] = rapid.IntRange(0, 2).Draw(t, "present") > 0
				event = domain.SetNesting{Group: numbered(a), Member: numbered(b), Present: edges[a][b]}
			}
			if err := nesting.Apply(seq+1, []domain.Event{event}); err != nil {
				t.Fatal(err)
			}
		}
		var reaches [groups][groups]bool
		for a := range groups {
			for b := range groups {
				reaches[a][b] = a == b || edges[a][b] && !gone[a] && !gone[b]
			}
		}
		for via := range groups {
			for a := range groups {
				for b := range groups {
					reaches[a][b] = reaches[a][b] || reaches[a][via] && reaches[via][b]
				}
			}
		}
		for a := range groups {
			names := false
			for b := range groups {
				names = names || edges[a][b] || edges[b][a]
			}
			if nesting.Names(numbered(a)) != names {
				t.Fatalf("names %d: %v, want %v\nedges %v", a, !names, names, edges)
			}
			for b := range groups {
				if got := nesting.Reaches(numbered(a), numbered(b)); got != reaches[a][b] {
					t.Fatalf("%d reaches %d: %v, want %v\nedges %v, gone %v", a, b, got, reaches[a][b], edges, gone)
				}
			}
		}
	})
}

func TestACycleEndsTheSearch(t *testing.T) {
	var nesting domain.Nesting
	events := []domain.Event{
		domain.SetNesting{Group: numbered(1), Member: numbered(2), Present: true},
		domain.SetNesting{Group: numbered(2), Member: numbered(1), Present: true},
		domain.SetNesting{Group: numbered(2), Member: numbered(2), Present: true},
	}
	if err := nesting.Apply(1, events); err != nil {
		t.Fatal(err)
	}
	if nesting.Reaches(numbered(1), numbered(3)) || !nesting.Reaches(numbered(1), numbered(2)) {
		t.Error("a cycle is not searched rightly")
	}
}

func BenchmarkReaches(b *testing.B) {
	var nesting domain.Nesting
	const groups = 200
	for i := range groups - 1 {
		err := nesting.Apply(uint64(i+1), []domain.Event{domain.SetNesting{Group: numbered(i), Member: numbered(i + 1), Present: true}})
		if err != nil {
			b.Fatal(fmt.Errorf("edge %d: %w", i, err))
		}
	}
	for b.Loop() {
		nesting.Reaches(numbered(0), numbered(groups-1))
	}
}
