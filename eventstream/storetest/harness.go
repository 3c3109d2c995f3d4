package storetest

import (
	"slices"
	"testing"
	"time"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// Options are what the kit asks of a store that it lets a harness make.
type Options struct {
	// Now is the clock of the store; its own if nil.
	Now func() time.Time
	// Observe is told of every batch, as eventstream.Observer says; nobody if nil.
	Observe eventstream.Observer
}

// Feature is something that a backend may be unable to do by its nature.
type Feature string

// The features, each with what the kit demands of a backend that has it.
const (
	// Clock: Options.Now is the store's clock.
	Clock Feature = "clock"
	// Durable: what was acknowledged is there when the store is opened again.
	Durable Feature = "durable"
	// Imports: the store is an eventstream.Importer.
	Imports Feature = "imports"
	// KnownHeads: the store is eventstream.Heads.
	KnownHeads Feature = "known heads"
	// NumberedLog: the store is an eventstream.Log.
	NumberedLog Feature = "numbered log"
	// Observed: Options.Observe is told of every batch.
	Observed Feature = "observed"
	// OneInstant: a transaction shows in all of its streams at one instant.
	OneInstant Feature = "one instant"
	// Queued: the store is an eventstream.Queue.
	Queued Feature = "queued"
)

var features = []Feature{Clock, Durable, Imports, KnownHeads, NumberedLog, Observed, OneInstant, Queued}

// Harness makes the stores of one backend for the kit.
type Harness struct {
	// Name is the backend's.
	Name string
	// New opens a store without a commit in it. The kit closes it; what else it
	// needs is cleaned up by t.Cleanup.
	New func(t *testing.T, options Options) eventstream.Store
	// Reopen closes a store that New or Reopen made, if the kit has not, and opens
	// what it left. Nil if the backend is not Durable.
	Reopen func(t *testing.T, store eventstream.Store, options Options) eventstream.Store
	// Cannot names the features that the backend lacks, each with the reason.
	Cannot map[Feature]string
}

// Run holds the backend to the contract, one sentence a subtest.
func Run(t *testing.T, h Harness) {
	h.check(t)
	for _, topic := range topics {
		t.Run(topic.name, func(t *testing.T) {
			for _, s := range topic.sentences {
				if lacks, reason := h.lacks(s.needs); reason != "" {
					t.Logf("%s is not asked to keep %q: it cannot do %q, because %s", h.Name, s.says, lacks, reason)
					continue
				}
				t.Run(s.says, func(t *testing.T) { s.test(t, h) })
			}
		})
	}
}

var topics = []struct {
	name      string
	sentences []sentence
}{
	{"append", appendSentences},
	{"read", readSentences},
	{"expectations", expectSentences},
	{"conflicts", conflictSentences},
	{"chain", chainSentences},
	{"queue", queueSentences},
	{"limits", limitSentences},
	{"stream ids", streamIDSentences},
	{"context", contextSentences},
	{"races", raceSentences},
	{"recent", recentSentences},
	{"import", importSentences},
	{"log", logSentences},
	{"observer", observerSentences},
	{"close", closeSentences},
	{"reopen", reopenSentences},
	{"histories", historySentences},
	{"linearizable", linearSentences},
}

// sentence is one promise, and the test that a backend keeps it.
type sentence struct {
	says  string
	needs []Feature
	test  func(t *testing.T, h Harness)
}

func (h Harness) lacks(needs []Feature) (Feature, string) {
	for _, feature := range needs {
		if reason, lacks := h.Cannot[feature]; lacks {
			return feature, reason
		}
	}
	return "", ""
}

func (h Harness) can(feature Feature) bool {
	_, lacks := h.Cannot[feature]
	return !lacks
}

// check refuses a harness that leaves out a feature without saying why, or
// denies one that its stores have.
func (h Harness) check(t *testing.T) {
	t.Helper()
	for feature, reason := range h.Cannot {
		if !slices.Contains(features, feature) || reason == "" {
			t.Fatalf("%s lacks %q: not a feature, or no reason given", h.Name, feature)
		}
	}
	if (h.Reopen == nil) == h.can(Durable) {
		t.Fatalf("%s: Reopen is nil exactly if the backend is not durable", h.Name)
	}
	store := h.New(t, Options{})
	defer store.Close()
	if _, knows := store.(eventstream.Heads); knows != h.can(KnownHeads) {
		t.Fatalf("%s: being eventstream.Heads is %v, and the harness says otherwise", h.Name, knows)
	}
	if _, imports := store.(eventstream.Importer); imports != h.can(Imports) {
		t.Fatalf("%s: being an eventstream.Importer is %v, and the harness says otherwise", h.Name, imports)
	}
	if _, isLog := store.(eventstream.Log); isLog != h.can(NumberedLog) {
		t.Fatalf("%s: being an eventstream.Log is %v, and the harness says otherwise", h.Name, isLog)
	}
}
