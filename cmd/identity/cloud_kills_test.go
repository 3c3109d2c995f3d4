package main

import (
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	querysync "github.com/seed5b6a70b4/identity/sync"
)

// A synchroniser that is killed at any moment, again and again, leaves rows, change
// notices and the index as the streams say, once one is left alone.
func TestSynchroniserKilledAgainAndAgain(t *testing.T) {
	const lives = 4
	w := newWorld(t, 0, "--search", elasticSearch)
	p := w.start(w.direct, "serve", "--feed", noFeed, "--search", elasticSearch)
	writing := w.keepWriting(p, "Margaret", 2)
	for range lives {
		s := w.start(w.direct, "sync", "--search", elasticSearch)
		eventually(t, serversTime, "it begins", func() error { return begins(t, s) })
		// Between which two of its writes the kill falls is for chance to say.
		time.Sleep(rand.N(time.Second))
		if err := s.signal(syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		s.wait()
	}
	all := writing.end()
	last := w.start(w.direct, "sync", "--search", elasticSearch)
	w.foldIsShown(p, "Margaret", all)
	w.announced(all)
	w.verified("--search", elasticSearch)
	eventually(t, serversTime, "the lag is over", func() error { return w.caughtUp(last) })
}

// begins tells whether a synchroniser reads both feeds. There is more to read than
// it can handle at once: the one before it was killed a while ago.
func begins(t *testing.T, s *process) error {
	for _, group := range []string{streamsGroup, searchGroup} {
		if s.metric(t, "identity_feed_leases_held", group) == 0 {
			return fmt.Errorf("%s: %w", group, errNotYet)
		}
	}
	return nil
}

// Synchronisers that each believe they own everything do no harm: some follow
// DynamoDB and some Kinesis, and one sleeps until its shards are taken, and wakes.
func TestSynchronisersOverEachOther(t *testing.T) {
	w := newWorld(t, 0, "--feed", kinesisFeed, "--search", elasticSearch)
	w.start(w.direct, "relay")
	p := w.start(w.direct, "serve", "--feed", noFeed, "--search", elasticSearch)
	writing := w.keepWriting(p, "Frances", 1)
	sleeper := w.start(w.direct, "sync", "--feed", kinesisFeed, "--search", elasticSearch)
	eventually(t, serversTime, "it holds everything", func() error { return w.holdsAll(sleeper) })
	other := w.start(w.direct, "sync", "--feed", streamsFeed, "--search", elasticSearch)
	same := w.start(w.direct, "sync", "--feed", kinesisFeed, "--search", elasticSearch)
	if err := sleeper.signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	eventually(t, serversTime, "others take its shards", func() error {
		changes := same.metric(t, "identity_feed_leases_held", searchGroup) + other.metric(t, "identity_feed_leases_held", searchGroup)
		if streams := same.metric(t, "identity_feed_leases_held", kinesisGroup); streams == 0 || changes < querysync.DefaultChanges {
			return errNotYet
		}
		return nil
	})
	if err := sleeper.signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	eventually(t, serversTime, "it has heard that it lost them", func() error {
		if sleeper.metric(t, "identity_feed_leases_lost_total", "") == 0 {
			return errNotYet
		}
		return nil
	})
	all := writing.end()
	w.foldIsShown(p, "Frances", all)
	w.announced(all)
	w.verified("--search", elasticSearch)
	for _, each := range []*process{sleeper, other, same} {
		eventually(t, serversTime, "the lag is over", func() error { return noLag(t, each) })
	}
}

// holdsAll tells whether a process has shards of both feeds, and all of the change
// feed's.
func (w *world) holdsAll(p *process) error {
	if p.metric(w.t, "identity_feed_leases_held", kinesisGroup) == 0 || p.metric(w.t, "identity_feed_leases_held", searchGroup) < querysync.DefaultChanges {
		return errNotYet
	}
	return nil
}

// announced looks whether rows say that all of them was announced, and the change
// feed that it was.
func (w *world) announced(all []*person) {
	w.t.Helper()
	if len(all) == 0 {
		w.t.Error("nothing was written")
	}
	w.generationsAre(all, 1)
}
