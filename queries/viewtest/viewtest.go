// Package viewtest is what every view of rows must pass: each subtest checks one
// promise of queries.View, or of the writing side that a synchroniser uses, on a
// fresh view. It also has the words to write histories with (History).
package viewtest

import (
	"context"
	"testing"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/queries"
)

// View is both sides of a view: what queries ask, and what the synchroniser
// writes to.
type View interface {
	queries.View
	Name() string
	Shows(stream eventstream.StreamID) bool
	Seq(ctx context.Context, stream eventstream.StreamID) (eventstream.Seq, error)
	Apply(ctx context.Context, commits []eventstream.Commit) error
}

// Harness says how a backend is tested.
type Harness struct {
	// New makes an empty view, and has it closed when the test ends.
	New func(t *testing.T) View
	// Settle does what the view otherwise does in the background, to the end. Nil
	// if it leaves nothing to the background.
	Settle func(ctx context.Context, view View) error
	// Slow says that each request takes milliseconds: where many rows are asked
	// for, there are fewer of them.
	Slow bool
}

// Run tests a backend.
func Run(t *testing.T, h Harness) {
	topics := []struct {
		name  string
		tests []promise
	}{
		{"Rows", rowPromises},
		{"Writing", writingPromises},
		{"Removal", removalPromises},
		{"Lists", listPromises},
		{"Members", memberPromises},
		{"Ever", everPromises},
		{"Position", positionPromises},
		{"Races", racePromises},
	}
	for _, topic := range topics {
		t.Run(topic.name, func(t *testing.T) {
			for _, p := range topic.tests {
				t.Run(p.says, func(t *testing.T) { p.check(newSubject(t, h)) })
			}
		})
	}
	t.Run("Random", func(t *testing.T) { checkRandom(t, h) })
	t.Run("Walks", func(t *testing.T) { checkWalks(t, h) })
	t.Run("Effective", func(t *testing.T) { checkEffective(t, h) })
}

// promise is one sentence of the contract and how it is checked.
type promise struct {
	says  string
	check func(s *subject)
}
