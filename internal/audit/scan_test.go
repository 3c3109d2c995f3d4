package audit_test

import (
	"context"
	"iter"
	"slices"
	"testing"
	"time"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/internal/audit"
)

// torn scans a store in the order in which commits were written, so that streams
// come back again and again, and leaves out what skip says, as an instant too early
// for it would.
type torn struct {
	eventstream.Store
	log  planted
	skip func(*eventstream.Commit) bool
}

func (s torn) Scan(context.Context) iter.Seq2[eventstream.Commit, error] {
	return func(yield func(eventstream.Commit, error) bool) {
		for i := range s.log {
			for j := range s.log[i] {
				if !s.skip(&s.log[i][j]) && !yield(s.log[i][j], nil) {
					return
				}
			}
		}
	}
}

func (s torn) At(ctx context.Context, position eventstream.Position) (eventstream.Commit, error) {
	for commit, err := range s.Read(ctx, position.Stream, position.Seq-1) {
		return commit, err
	}
	return eventstream.Commit{}, nil
}

func (s torn) Size(context.Context) (uint64, error) { return 1, nil }

// A scan that tears streams apart, or comes too early for a part of a
// transaction, does not make anything seem wrong.
func TestTornScanFindsNothing(t *testing.T) {
	d := newDirectory(t, nil)
	log := d.log(t)
	for name, skip := range map[string]func(*eventstream.Commit) bool{
		"torn":              func(*eventstream.Commit) bool { return false },
		"before the claims": func(c *eventstream.Commit) bool { return c.Stream.Kind() == eventstream.ClaimKind },
		"before the tips":   func(c *eventstream.Commit) bool { return c.Stream.Kind() == eventstream.UserKind && c.Seq > 1 },
		"before the edges":  func(c *eventstream.Commit) bool { return c.Stream.Kind() == eventstream.MemberKind },
		"before a middle": func(c *eventstream.Commit) bool {
			return c.Position() == eventstream.Position{Stream: homers(d), Seq: 2}
		},
		"before the directory": func(c *eventstream.Commit) bool { return c.Stream.Kind() == eventstream.UsersKind },
	} {
		for _, later := range []time.Duration{0, time.Hour} {
			store := torn{d.store, log, skip}
			_, err := audit.Run(t.Context(), audit.Subject{Store: store, Secret: secret, View: viewOf(t, slices.Clone(log))}, audit.Options{
				Patience: time.Millisecond, Now: func() time.Time { return time.Now().Add(later) },
				Found: func(f audit.Finding) { t.Errorf("%s, %s later: %s", name, later, f) },
			})
			if err != nil {
				t.Error(err)
			}
		}
	}
}
