package changenotices

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/memstore"
	querysync "github.com/seed5b6a70b4/identity/sync"
)

// A place within a commit that another process has given is known, also while this
// one has not yet seen the commit on its last look.
func TestAPlaceBeyondTheLastLook(t *testing.T) {
	streams := eventstream.New(memstore.New(nil), nil)
	changes := querysync.NewChanges(streams, 1)
	announce := func(count int) {
		notices := make([]querysync.Notice, count)
		for i := range notices {
			notices[i].Stream, notices[i].Seq = eventstream.UserStream(uuid.UUID{15: byte(i + 1)}), 1
		}
		if err := changes.Announce(t.Context(), notices); err != nil {
			t.Fatal(err)
		}
	}
	announce(1)
	ctx := t.Context()
	looking := New(streams, changes, Options{Poll: time.Hour})
	if err := looking.look(ctx); err != nil {
		t.Fatal(err)
	}
	before, err := looking.Now(ctx)
	if err != nil {
		t.Fatal(err)
	}
	announce(3)
	told, _, err := New(streams, changes, Options{}).After(ctx, before, 500)
	if err != nil || len(told) != 3 {
		t.Fatalf("another process tells %d, %v", len(told), err)
	}
	rest, _, err := looking.After(ctx, told[0].Next, 500)
	if err != nil || len(rest) != 2 {
		t.Fatalf("behind the first of three: %d, %v", len(rest), err)
	}
}
