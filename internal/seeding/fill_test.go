package seeding_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/seed5b6a70b4/identity/commands"
	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/memstore"
	"github.com/seed5b6a70b4/identity/internal/seeding"
)

func handler(t *testing.T, store eventstream.Store) *commands.Handler {
	t.Helper()
	streams := eventstream.New(store, nil)
	directory, err := commands.OpenDirectory(t.Context(), streams, domain.ClaimSecret{1}, 1)
	if err != nil {
		t.Fatal(err)
	}
	return commands.New(streams, directory, nil)
}

// Filling writes the plan; filling again, or with more users, writes only what is
// missing.
func TestFillingAgainWritesOnlyWhatIsMissing(t *testing.T) {
	store := memstore.New(nil)
	do := handler(t, store)
	plan := seeding.Plan{Users: 300, Groups: 40, Seed: 5}
	roster := plan.Roster()
	var last atomic.Int64
	first, err := plan.Fill(t.Context(), do, roster, seeding.Filling{Writers: 8, Progress: func(done int) { last.Store(max(last.Load(), int64(done))) }})
	if err != nil {
		t.Fatal(err)
	}
	if first.Users != 300 || first.Groups != 40 || first.Memberships != roster.Len() || first.Nested < 10 {
		t.Errorf("filled %+v", first)
	}
	if steps := plan.Steps(roster); first.Written != steps || last.Load() != int64(steps) {
		t.Errorf("%d written and %d done, of %d", first.Written, last.Load(), steps)
	}
	end := store.End()
	again, err := plan.Fill(t.Context(), do, roster, seeding.Filling{Writers: 8})
	if err != nil || again.Written != 0 || store.End() != end {
		t.Errorf("again: %d written, log from %d to %d, %v", again.Written, end, store.End(), err)
	}
	plan.Users = 310
	if _, err := plan.Fill(t.Context(), do, plan.Roster(), seeding.Filling{Writers: 8}); err != nil {
		t.Fatal(err)
	}
	last310, err := store.Last(t.Context(), eventstream.UserStream(plan.UserID(309).UUID))
	if err != nil || last310.Seq != 1 {
		t.Errorf("the last user is at %d, %v", last310.Seq, err)
	}
}

// Filling ends with the first refusal.
func TestFillingEndsWithTheFirstRefusal(t *testing.T) {
	do := handler(t, memstore.New(nil))
	plan := seeding.Plan{Users: 100, Groups: 3, Seed: 5}
	taken := plan.User(50)
	taken.ID = domain.NewID[domain.User]()
	if _, err := do.Do(t.Context(), commands.Request{Actor: "test", Correlation: "test"}, taken); err != nil {
		t.Fatal(err)
	}
	if _, err := plan.Fill(t.Context(), do, plan.Roster(), seeding.Filling{Writers: 4}); !errors.Is(err, domain.Taken) {
		t.Errorf("filling ends with %v", err)
	}
}

// bulkDoer makes many users at once.
type bulkDoer struct {
	*commands.Handler
	bulks atomic.Int64
}

func (b *bulkDoer) CreateUsers(ctx context.Context, request commands.Request, users []commands.CreateUser) (created int, err error) {
	b.bulks.Add(1)
	for _, user := range users {
		result, err := b.Do(ctx, request, user)
		if err != nil {
			return created, err
		}
		if result.Changed {
			created++
		}
	}
	return created, nil
}

// In bulk the same is written.
func TestFillingInBulk(t *testing.T) {
	store := memstore.New(nil)
	do := &bulkDoer{Handler: handler(t, store)}
	plan := seeding.Plan{Users: 2*seeding.MaxUsersAtOnce + 1, Groups: 3, Seed: 5}
	roster := plan.Roster()
	first, err := plan.Fill(t.Context(), do, roster, seeding.Filling{Writers: 8})
	if steps := plan.Steps(roster); err != nil || first.Written != steps || do.bulks.Load() != 3 {
		t.Fatalf("%d written of %d, in %d bulks: %v", first.Written, steps, do.bulks.Load(), err)
	}
	end := store.End()
	if again, err := plan.Fill(t.Context(), do.Handler, roster, seeding.Filling{Writers: 8}); err != nil || again.Written != 0 || store.End() != end {
		t.Errorf("one by one, after it: %d written, %v", again.Written, err)
	}
}
