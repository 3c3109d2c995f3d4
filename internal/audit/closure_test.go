package audit_test

import (
	"context"
	"iter"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/internal/audit"
	"github.com/seed5b6a70b4/identity/queries/closure"
)

// mistaken is a closure whose edges a test alters.
type mistaken struct {
	*closure.Closure
	lacks, adds [2]uuid.UUID
	ahead       eventstream.Seq
}

func (m mistaken) Edges() (eventstream.Seq, iter.Seq2[uuid.UUID, uuid.UUID]) {
	at, edges := m.Closure.Edges()
	return at + m.ahead, func(yield func(uuid.UUID, uuid.UUID) bool) {
		for group, member := range edges {
			if [2]uuid.UUID{group, member} != m.lacks && !yield(group, member) {
				return
			}
		}
		if m.adds != [2]uuid.UUID{} {
			yield(m.adds[0], m.adds[1])
		}
	}
}

// parkedClosure is one that cannot be brought to where nesting is.
type parkedClosure struct{ *closure.Closure }

func (parkedClosure) Follow(context.Context) (eventstream.Seq, error) {
	return 0, eventstream.ErrParked
}

// A closure that is not the fold of nesting is found.
func TestDamagedClosuresAreFound(t *testing.T) {
	d := newDirectory(t, nil)
	folded := closure.New(d.streams, nil)
	for name, test := range map[string]struct {
		closure audit.Closure
		what    string
	}{
		"a whole one":                 {folded, ""},
		"one that lacks an edge":      {mistaken{Closure: folded, lacks: [2]uuid.UUID{d.outer.UUID, d.inner.UUID}}, "groups lacks the edge member/" + d.outer.String()},
		"one with an edge more":       {mistaken{Closure: folded, adds: [2]uuid.UUID{d.innermost.UUID, d.outer.UUID}}, "groups has the edge member/" + d.innermost.String()},
		"one of a group that is gone": {mistaken{Closure: folded, adds: [2]uuid.UUID{d.inner.UUID, d.dropped.UUID}}, "groups has the edge member/" + d.inner.String()},
		"one that is ahead":           {mistaken{Closure: folded, ahead: 1}, "groups has folded it up to"},
		"one that is parked":          {parkedClosure{folded}, "it is parked"},
	} {
		t.Run(name, func(t *testing.T) {
			var found []audit.Finding
			report, err := audit.Run(t.Context(), audit.Subject{Store: d.store, Secret: secret, Closures: map[string]audit.Closure{"groups": test.closure}},
				audit.Options{Found: func(f audit.Finding) { found = append(found, f) }})
			must(t, report, err)
			if test.what == "" {
				if len(found) > 0 || report.Edges != 2 {
					t.Errorf("of %d edges is found %v", report.Edges, found)
				}
				return
			}
			if len(found) != 1 || found[0].Part != audit.Closures || !strings.Contains(found[0].What, test.what) {
				t.Errorf("found %v, not %q", found, test.what)
			}
		})
	}
}
