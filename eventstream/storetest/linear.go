package storetest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/eventstream"
)

var linearSentences = []sentence{
	{says: "what concurrent appends and reads saw of a stream could have happened one by one", test: testLinearStreams},
	{says: "what they saw of all streams together could have happened one by one", needs: []Feature{OneInstant}, test: testLinearTogether},
}

// The model. Its state is what each stream holds, as the names of the commands
// that wrote it; a call looks at, or moves, some of the streams.
const linearStreams = 3

type (
	linearState [linearStreams]string

	// call is an append, or without Command a read.
	call struct {
		command rune
		of      map[int]callEntry
	}
	callEntry struct {
		expect eventstream.Expect
		writes bool
	}
	// reply is what a call saw: of an append, which streams conflicted, of a read,
	// what the stream held.
	reply struct {
		conflicts map[int]bool
		holds     map[int]string
	}
)

var linearModel = porcupine.Model{
	Init: func() any { return linearState{} },
	Step: func(state, input, output any) (bool, any) {
		return step(state.(linearState), input.(call), output.(reply))
	},
	DescribeOperation: func(input, output any) string { return fmt.Sprintf("%+v -> %+v", input, output) },
}

func step(state linearState, in call, out reply) (bool, linearState) {
	if in.command == 0 {
		for stream, held := range out.holds {
			if state[stream] != held {
				return false, state
			}
		}
		return true, state
	}
	after := state
	for stream, e := range in.of {
		if e.expect.Allows(eventstream.Seq(len([]rune(state[stream])))) == out.conflicts[stream] {
			return false, state
		}
		if e.writes {
			after[stream] += string(in.command)
		}
	}
	if len(out.conflicts) > 0 {
		return true, state
	}
	return true, after
}

// perStream cuts a history into one for each stream. An append that conflicted
// elsewhere is left out where it did not: it says nothing there.
func perStream(history []porcupine.Operation) [][]porcupine.Operation {
	parts := make([][]porcupine.Operation, linearStreams)
	for _, operation := range history {
		in, out := operation.Input.(call), operation.Output.(reply)
		for stream, e := range in.of {
			if len(out.conflicts) > 0 && !out.conflicts[stream] {
				continue
			}
			part := operation
			part.Input = call{in.command, map[int]callEntry{stream: e}}
			part.Output = reply{map[int]bool{}, map[int]string{stream: out.holds[stream]}}
			if out.conflicts[stream] {
				part.Output.(reply).conflicts[stream] = true
			}
			parts[stream] = append(parts[stream], part)
		}
	}
	return parts
}

func testLinearStreams(t *testing.T, h Harness) {
	model := linearModel
	model.Partition = perStream
	checkLinear(t, h, model)
}

func testLinearTogether(t *testing.T, h Harness) { checkLinear(t, h, linearModel) }

func checkLinear(t *testing.T, h Harness, model porcupine.Model) {
	for round := range uint64(5) {
		r := &recorder{t: t, begun: time.Now(), stores: []*subject{open(t, h, Options{})}}
		together(t, linearClients, func(client int) error {
			return r.client(client, rand.New(rand.NewPCG(round, uint64(client))))
		})
		r.check(model)
	}
}

// check fails the test unless what was seen could have happened one by one.
func (r *recorder) check(model porcupine.Model) {
	r.t.Helper()
	if result := porcupine.CheckOperationsTimeout(model, r.settled(), 5*time.Minute); result != porcupine.Ok {
		r.t.Fatalf("the history is %s: %+v", result, r.operations)
	}
}

const (
	linearClients = 4
	linearCalls   = 20
)

// recorder collects what clients did and saw.
type recorder struct {
	t      *testing.T
	begun  time.Time
	stores []*subject // of the same streams; clients use one each
	trial  *Trial     // nil if nothing is to fail

	mu         sync.Mutex
	operations []porcupine.Operation
	unknown    []porcupine.Operation
	failed     int // calls that say that nothing was written or read
}

func linearStream(i int) eventstream.StreamID { return eventstream.StreamID(fmt.Sprint("linear/", i)) }

func (r *recorder) client(client int, random *rand.Rand) error {
	heads := [linearStreams]eventstream.Seq{}
	store := r.stores[client%len(r.stores)]
	for n := range linearCalls {
		if r.trial != nil {
			r.trial.Before(client*linearCalls + n)
		}
		o := porcupine.Operation{ClientId: client, Call: time.Since(r.begun).Nanoseconds()}
		var err error
		if random.IntN(5) < 2 {
			o.Input, o.Output, err = r.look(store, random.IntN(linearStreams), &heads)
		} else {
			o.Input, o.Output, err = r.append(store, rune('!'+client*linearCalls+n), random, &heads)
		}
		o.Return = time.Since(r.begun).Nanoseconds()
		r.mu.Lock()
		if errors.Is(err, eventstream.ErrUnknownOutcome) {
			r.unknown, err = append(r.unknown, o), nil
		} else if err == nil {
			r.operations = append(r.operations, o)
		} else if r.trial != nil && errors.Is(err, eventstream.ErrUnavailable) {
			r.failed, err = r.failed+1, nil
		}
		r.mu.Unlock()
		if err != nil && !errors.Is(err, context.Canceled) {
			return fmt.Errorf("client %d: %w", client, err)
		}
	}
	return nil
}

// look reads a whole stream and remembers where it is.
func (r *recorder) look(store *subject, stream int, heads *[linearStreams]eventstream.Seq) (call, reply, error) {
	commits, err := readAll(r.t.Context(), store, linearStream(stream), 0)
	held := ""
	for _, commit := range commits {
		held += string(commit.Data)
	}
	heads[stream] = eventstream.Seq(len(commits))
	return call{of: map[int]callEntry{stream: {}}}, reply{holds: map[int]string{stream: held}}, err
}

// append writes to some streams, pinned to what the client knows of them, and
// now and then gives up while it does.
func (r *recorder) append(store *subject, command rune, random *rand.Rand, heads *[linearStreams]eventstream.Seq) (call, reply, error) {
	in, out := call{command, map[int]callEntry{}}, reply{conflicts: map[int]bool{}}
	tx := eventstream.Transaction{Command: uuid.New()}
	for i, stream := range random.Perm(linearStreams)[:1+random.IntN(linearStreams)] {
		e := callEntry{eventstream.Exactly(heads[stream]), i == 0 || random.IntN(3) > 0}
		if i > 0 && random.IntN(2) == 0 {
			e.expect = eventstream.Any()
		}
		in.of[stream] = e
		entry := only(linearStream(stream), e.expect)
		if e.writes {
			entry.Data = []byte(string(command))
		}
		tx.Entries = append(tx.Entries, entry)
	}
	ctx, cancel := context.WithCancel(r.t.Context())
	defer cancel()
	if random.IntN(6) == 0 {
		go cancel()
	}
	commits, err := store.Append(ctx, tx)
	var conflict *eventstream.ConflictError
	if errors.As(err, &conflict) {
		for _, c := range conflict.Conflicts {
			stream := streamNumber(tx, in, c.Index)
			out.conflicts[stream] = true
			heads[stream] = c.Head
		}
		return in, out, nil
	}
	for _, commit := range commits {
		for stream := range heads {
			if linearStream(stream) == commit.Stream {
				heads[stream] = commit.Seq
			}
		}
	}
	return in, out, err
}

func streamNumber(tx eventstream.Transaction, in call, index int) int {
	for stream := range in.of {
		if linearStream(stream) == tx.Entries[index].Stream {
			return stream
		}
	}
	return -1
}

// settled is the history with the appends of unknown outcome: those that are
// found in the end were written some time after they were called, and the others
// were seen by nobody.
func (r *recorder) settled() []porcupine.Operation {
	history := r.operations
	for _, o := range r.unknown {
		in := o.Input.(call)
		for stream, e := range in.of {
			if e.writes && r.holds(stream, in.command) {
				o.Return = math.MaxInt64
				history = append(history, o)
				break
			}
		}
	}
	return history
}

func (r *recorder) holds(stream int, command rune) bool {
	for _, commit := range r.stores[0].read(linearStream(stream), 0) {
		if string(commit.Data) == string(command) {
			return true
		}
	}
	return false
}
