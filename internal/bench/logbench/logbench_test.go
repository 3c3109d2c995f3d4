package logbench_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/hashicorp/raft"
	raftwal "github.com/hashicorp/raft-wal"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/logstore"
)

// createUser is what creating a user writes: the user, two claims, and one stream
// that all writers share.
func createUser() eventstream.Transaction {
	id := uuid.Must(uuid.NewV7())
	claim := func(kind string) eventstream.StreamID {
		return eventstream.ClaimStream(kind, strings.ReplaceAll(uuid.NewString(), "-", ""))
	}
	entry := func(stream eventstream.StreamID, expect eventstream.Expect, size int) eventstream.Entry {
		return eventstream.Entry{Stream: stream, Expect: expect, Data: []byte(strings.Repeat("d", size))}
	}
	return eventstream.Transaction{
		Command: uuid.Must(uuid.NewV7()), Actor: "key/0190a6e2-7c3b-7def-8123-456789abcdef", Correlation: "4bf92f3577b34da6a3ce929d0e0e4736",
		Entries: []eventstream.Entry{
			entry(eventstream.UserStream(id), eventstream.Empty(), 300),
			entry(claim("username"), eventstream.Empty(), 70),
			entry(claim("email"), eventstream.Empty(), 70),
			entry(eventstream.UsersStream(0), eventstream.Any(), 160),
		},
	}
}

var writers = []int{1, 16, 64}

func BenchmarkLogstore(b *testing.B) {
	for _, n := range writers {
		b.Run(fmt.Sprintf("writers=%d", n), func(b *testing.B) {
			store, err := logstore.Open(b.TempDir(), nil)
			if err != nil {
				b.Fatal(err)
			}
			defer store.Close()
			run(b, n, func() error {
				_, err := store.Append(context.Background(), createUser())
				return err
			})
		})
	}
}

// BenchmarkRaftWAL writes as many bytes, and does none of a store's work: no
// expectations, no hashes, no heads.
func BenchmarkRaftWAL(b *testing.B) {
	payload := []byte(strings.Repeat("p", 1250))
	raftWAL(b, func() *pending { return &pending{encode: func() []byte { return payload }} })
}

// BenchmarkRaftWALStore does as much of a store's work as a store on raft-wal
// must do too: expectations, numbers, hashes, heads. It does not guard the log.
func BenchmarkRaftWALStore(b *testing.B) {
	heads := map[eventstream.StreamID]eventstream.Head{}
	raftWAL(b, func() *pending {
		tx := createUser()
		return &pending{check: tx.Check, encode: func() []byte { return seal(&tx, heads) }}
	})
}

func seal(tx *eventstream.Transaction, heads map[eventstream.StreamID]eventstream.Head) []byte {
	own := make([]eventstream.Head, len(tx.Entries))
	for i, entry := range tx.Entries {
		if own[i] = heads[entry.Stream]; !entry.Expect.Allows(own[i].Seq) {
			panic("nobody competes")
		}
	}
	payload := make([]byte, 0, 2048)
	for _, commit := range eventstream.Seal(tx, own, time.Now()) {
		heads[commit.Stream] = eventstream.Head{Seq: commit.Seq, Time: commit.Time, Hash: commit.Hash}
		for _, part := range [][]byte{[]byte(commit.Stream), commit.Command[:], []byte(commit.Actor), commit.Previous[:], commit.Hash[:], commit.Data} {
			payload = append(payload, part...)
		}
	}
	return payload
}

func raftWAL(b *testing.B, operation func() *pending) {
	for _, n := range writers {
		b.Run(fmt.Sprintf("writers=%d", n), func(b *testing.B) {
			log, err := raftwal.Open(b.TempDir())
			if err != nil {
				b.Fatal(err)
			}
			g := &grouped{log: log, wake: make(chan struct{}, 1), ended: make(chan struct{})}
			go g.write()
			run(b, n, func() error { return g.append(operation()) })
			g.close()
			if err := log.Close(); err != nil {
				b.Fatal(err)
			}
		})
	}
}

// run shares b.N operations among writers and reports the process's time on the
// CPU for each.
func run(b *testing.B, writers int, operation func() error) {
	var left atomic.Int64
	left.Store(int64(b.N))
	var group sync.WaitGroup
	before := cpuTime()
	b.ResetTimer()
	for range writers {
		group.Go(func() {
			for left.Add(-1) >= 0 {
				if err := operation(); err != nil {
					b.Error(err)
				}
			}
		})
	}
	group.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "tx/s")
	b.ReportMetric(float64((cpuTime()-before).Microseconds())/float64(b.N), "cpu-µs/tx")
}

func cpuTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// grouped is group commit over raft-wal: one writer takes whatever queued.
type grouped struct {
	log   *raftwal.WAL
	wake  chan struct{}
	ended chan struct{}

	mu      sync.Mutex
	waiting []*pending
	closed  bool
}

type pending struct {
	check  func() error
	encode func() []byte // called by the writer
	done   chan error
}

var errClosed = errors.New("closed")

func (g *grouped) append(p *pending) error {
	if p.check != nil {
		if err := p.check(); err != nil {
			return err
		}
	}
	p.done = make(chan error, 1)
	g.mu.Lock()
	if g.closed {
		g.mu.Unlock()
		return errClosed
	}
	g.waiting = append(g.waiting, p)
	g.mu.Unlock()
	g.signal()
	return <-p.done
}

func (g *grouped) signal() {
	select {
	case g.wake <- struct{}{}:
	default:
	}
}

func (g *grouped) close() {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	g.signal()
	<-g.ended
}

func (g *grouped) write() {
	defer close(g.ended)
	for index := uint64(1); ; {
		g.mu.Lock()
		batch, closed := g.waiting, g.closed
		g.waiting = nil
		g.mu.Unlock()
		if len(batch) == 0 {
			if closed {
				return
			}
			<-g.wake
			continue
		}
		logs := make([]*raft.Log, len(batch))
		for i, p := range batch {
			logs[i] = &raft.Log{Index: index, Data: p.encode()}
			index++
		}
		err := g.log.StoreLogs(logs)
		for _, p := range batch {
			p.done <- err
		}
	}
}
