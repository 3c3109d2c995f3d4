package changenotices_test

import (
	"context"
	"errors"
	"maps"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/memstore"
	querysync "github.com/seed5b6a70b4/identity/sync"
	"github.com/seed5b6a70b4/identity/sync/changenotices"
)

// Commits that announce nothing are passed over, whatever the size of pages: who reads
// on hears of everything that was announced, and gets to the end.
func TestFencesArePassedOver(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		ctx := context.Background()
		streams := eventstream.New(memstore.New(nil), nil)
		changes := querysync.NewChanges(streams, 2)
		notices := changenotices.New(streams, changes, changenotices.Options{})
		want, told, place := map[eventstream.StreamID]eventstream.Seq{}, map[eventstream.StreamID]eventstream.Seq{}, eventstream.Place{}
		read := func() (further bool) {
			found, next, err := notices.After(ctx, place, rapid.IntRange(1, 5).Draw(rt, "limit"))
			if err != nil {
				rt.Fatal(err)
			}
			for _, a := range found {
				told[a.Position.Stream] = max(told[a.Position.Stream], a.Position.Seq)
			}
			if n := rapid.IntRange(0, len(found)).Draw(rt, "taken"); n < len(found) {
				next = found[n].Here // what follows is told again
			}
			further = len(found) > 0 || next.Part != place.Part || next.Told != place.Told || !place.At.Covers(next.At)
			place = next
			return further
		}
		rt.Repeat(map[string]func(*rapid.T){
			"announce": func(rt *rapid.T) {
				var all []querysync.Notice
				for range rapid.IntRange(1, 4).Draw(rt, "notices") {
					stream := eventstream.UserStream(uuid.UUID{byte(rapid.IntRange(1, 6).Draw(rt, "user"))})
					want[stream]++
					all = append(all, querysync.Notice{Position: eventstream.Position{Stream: stream, Seq: want[stream]}})
				}
				if err := changes.Announce(ctx, all); err != nil {
					rt.Fatal(err)
				}
			},
			"fence": func(*rapid.T) {
				if err := changes.Fence(ctx); err != nil {
					rt.Fatal(err)
				}
			},
			"read": func(*rapid.T) { read() },
		})
		for tries := 0; read(); tries++ {
			if tries > 10_000 {
				rt.Fatalf("does not get to the end: %v", place)
			}
		}
		if heads, err := changes.Heads(ctx); err != nil || !place.At.Covers(heads) {
			rt.Fatalf("ends at %v of %v: %v", place, heads, err)
		}
		if !maps.Equal(told, want) {
			rt.Fatalf("told %v of %v", told, want)
		}
	})
}

// Who waits is woken by a fence, finds nothing new behind it, and waits for more from
// there.
func TestAFenceIsNoNews(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	streams := eventstream.New(memstore.New(nil), nil)
	changes := querysync.NewChanges(streams, 2)
	notices := changenotices.New(streams, changes, changenotices.Options{Poll: time.Millisecond})
	ran := make(chan error, 1)
	go func() { ran <- notices.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-ran; err != nil {
			t.Error(err)
		}
	}()
	place := eventstream.Place{}
	next := func() []eventstream.Announcement {
		if err := notices.Wait(ctx, place); err != nil {
			t.Fatal(err)
		}
		found, to, err := notices.After(ctx, place, 10)
		if err != nil {
			t.Fatal(err)
		}
		place = to
		return found
	}
	if err := changes.Fence(ctx); err != nil {
		t.Fatal(err)
	}
	for heads, err := changes.Heads(ctx); !place.At.Covers(heads); {
		if found := next(); err != nil || len(found) > 0 {
			t.Fatalf("found %v: %v", found, err)
		}
	}
	ended, end := context.WithCancel(ctx)
	end()
	if err := notices.Wait(ended, place); !errors.Is(err, context.Canceled) {
		t.Errorf("there is more behind a fence: %v", err)
	}
	ada := eventstream.UserStream(uuid.UUID{1})
	if err := changes.Announce(ctx, []querysync.Notice{{Position: eventstream.Position{Stream: ada, Seq: 3}}}); err != nil {
		t.Fatal(err)
	}
	if found := next(); len(found) != 1 || found[0].Position.Stream != ada || found[0].Position.Seq != 3 {
		t.Errorf("found %v", found)
	}
}
