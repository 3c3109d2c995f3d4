package storetest

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// Trial has clients append and read at once over several stores of the same
// streams, as processes do that share a backend, while the way to it fails.
type Trial struct {
	// Stores are used by a client each, in turn.
	Stores []eventstream.Store
	// Before is told the number of each call before it is made, concurrently: it may
	// make the ways of stores fail.
	Before func(call int)
	// Calm ends what Before began. Streams are read then to learn what came of
	// appends of unknown outcome.
	Calm func()
}

// Tally is how calls ended.
type Tally struct {
	Answered int // also those that met a conflict
	Unknown  int // appends of unknown outcome
	Failed   int // calls that were told eventstream.ErrUnavailable otherwise
}

// Run fails the test unless all that the clients saw of each stream could have
// happened one by one: an append that was told that nothing was written did not
// happen, one of unknown outcome may have, at any time after it began, and nothing
// happened twice. Streams must be empty.
func (trial *Trial) Run(t *testing.T, seed uint64) Tally {
	t.Helper()
	r := &recorder{t: t, begun: time.Now(), trial: trial}
	for _, store := range trial.Stores {
		r.stores = append(r.stores, &subject{store, t})
	}
	together(t, linearClients, func(client int) error {
		return r.client(client, rand.New(rand.NewPCG(seed, uint64(client))))
	})
	trial.Calm()
	model := linearModel
	model.Partition = perStream
	r.check(model)
	for stream := range linearStreams {
		commits := r.stores[0].read(linearStream(stream), 0)
		chained(t, linearStream(stream), commits)
		once := map[uuid.UUID]bool{}
		for i := range commits {
			if once[commits[i].Command] {
				t.Fatalf("a command stands twice in %q", linearStream(stream))
			}
			once[commits[i].Command] = true
		}
	}
	return Tally{Answered: len(r.operations), Unknown: len(r.unknown), Failed: r.failed}
}
