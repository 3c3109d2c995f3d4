package querysync_test

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed5b6a70b4/identity/eventstream"
	querysync "github.com/seed5b6a70b4/identity/sync"
	"github.com/seed5b6a70b4/identity/sync/feedtest"
)

// second is a view beside another one.
func second() *feedtest.Model { return &feedtest.Model{Called: "second"} }

func TestAViewThatIsAddedIsLeftAloneUntilItCatchesUp(t *testing.T) {
	d, first, added := newDirectory(t), &feedtest.Model{}, second()
	s := follow(t, d, nil, first)
	d.observe = s.Observe
	d.write(ada)
	isErr(t, "follow", s.Follow(added), nil)
	d.write(bob)
	row(t, first, bob, 1)
	row(t, added, bob, 0)
	isErr(t, "catch up", s.CatchUp(t.Context(), d, added, 2, nil), nil)
	row(t, added, ada, 1)
	applied(t, added, 2)
	d.write(ada)
	row(t, added, ada, 2)
	row(t, first, ada, 2)
	if err := s.Follow(second()); err == nil {
		t.Error("another of the name was followed")
	}
}

func TestNothingIsMissedOfWhatIsWrittenWhileAViewIsAdded(t *testing.T) {
	d, first, added := newDirectory(t), &feedtest.Model{}, second()
	s := follow(t, d, nil, first)
	d.observe = s.Observe
	const each = 3000
	for range each {
		d.write(ada)
	}
	var writing sync.WaitGroup
	writing.Go(func() {
		for range each {
			d.write(bob)
		}
	})
	isErr(t, "follow", s.Follow(added), nil)
	isErr(t, "catch up", s.CatchUp(t.Context(), d, added, 2, nil), nil)
	writing.Wait()
	row(t, added, ada, each)
	row(t, added, bob, each)
	applied(t, added, 2*each)
}

func TestNothingReachesAViewThatWasLetGoOf(t *testing.T) {
	d, first, added := newDirectory(t), &feedtest.Model{}, second()
	registry, dir := prometheus.NewRegistry(), t.TempDir()
	s := follow(t, d, &querysync.Options{Metrics: registry, Directory: dir}, first)
	d.observe = s.Observe
	isErr(t, "follow", s.Follow(added), nil)
	isErr(t, "catch up", s.CatchUp(t.Context(), d, added, 1, nil), nil)
	d.writeUnknown(bob)
	d.write(ada)
	waiter, err := s.Waiter(added)
	isErr(t, "waiter", err, nil)
	if parked := s.Parked(); len(parked) != 2 {
		t.Errorf("%d streams are parked, not one in each view", len(parked))
	}
	isErr(t, "unfollow", s.Unfollow(t.Context(), added), nil)
	isErr(t, "unfollow again", s.Unfollow(t.Context(), added), nil)
	d.write(ada)
	row(t, added, ada, 1)
	row(t, first, ada, 2)
	if parked := s.Parked(); len(parked) != 1 || parked[0].View != first.Name() {
		t.Errorf("parked: %v", parked)
	}
	if _, err := os.Stat(filepath.Join(dir, "parked-second.json")); err == nil {
		t.Error("the list of what is parked is still there")
	}
	families, err := registry.Gather()
	isErr(t, "gather", err, nil)
	for _, family := range families {
		for _, metric := range family.Metric {
			for _, label := range metric.Label {
				if label.GetValue() == "second" {
					t.Errorf("%s still tells of the view", family.GetName())
				}
			}
		}
	}
	isErr(t, "a reader who holds it", waiter.Ensure(t.Context(), ada, 2), nil)
	isErr(t, "and waits for the log", waiter.Ensure(t.Context(), eventstream.LogStream, 3), nil)
	isErr(t, "follow one of the name", s.Follow(second()), nil)
}
