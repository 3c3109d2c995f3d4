package dynamostore_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/dynamostore"
	"github.com/seed5b6a70b4/identity/eventstream/storetest"
	"github.com/seed5b6a70b4/identity/internal/testproxy"
	"github.com/seed5b6a70b4/identity/internal/testservers"
)

// behind opens a store, as a process of its own would, behind a proxy. Its client
// waits so long for an answer.
func behind(t *testing.T, table string, patience time.Duration) (*dynamostore.Store, *testproxy.Proxy) {
	t.Helper()
	proxy := testproxy.New(t, testservers.DynamoDB(t))
	store := dynamostore.New(connectTo(t, proxy.URL(), patience), table, nil)
	t.Cleanup(func() { store.Close() })
	return store, proxy
}

// TestTwoProcessesOnABadWay: whatever happens to requests and replies, what two
// processes see of the streams that both write to could have happened one by one.
func TestTwoProcessesOnABadWay(t *testing.T) {
	ways := [][]testproxy.Fault{
		nil,
		{testproxy.NoReplies()},
		{testproxy.Late(20)},
		{testproxy.NoRequests()},
		{testproxy.Late(5), testproxy.ShortReplies(900)},
		{testproxy.Reset()},
		{testproxy.Narrow(20)},
		nil,
		{testproxy.Silent()},
	}
	var all storetest.Tally
	for seed := range uint64(3) {
		table := newTable(t)
		a, toA := behind(t, table, 500*time.Millisecond)
		b, toB := behind(t, table, 500*time.Millisecond)
		var mu sync.Mutex
		calls := 0
		trial := &storetest.Trial{
			Stores: []eventstream.Store{a, b},
			Before: func(int) {
				mu.Lock()
				defer mu.Unlock()
				if calls++; calls%4 == 0 {
					toA.Set(0.6, ways[calls/4%len(ways)]...)
					toB.Set(0.6, ways[(calls/4+int(seed)+3)%len(ways)]...)
				}
				if calls%20 == 0 {
					if err := ledgerOf(table).look(t.Context()); err != nil {
						t.Error(err)
					}
				}
			},
			Calm: func() { toA.Set(1); toB.Set(1) },
		}
		tally := trial.Run(t, seed)
		all.Answered, all.Unknown, all.Failed = all.Answered+tally.Answered, all.Unknown+tally.Unknown, all.Failed+tally.Failed
	}
	t.Logf("%+v", all)
	if all.Answered < 100 || all.Unknown+all.Failed < 3 {
		t.Errorf("%+v: the way was too bad, or too good", all)
	}
}

// TestWhatACutLeaves: an append that loses its connection is written if the server
// had it, and is never written twice.
func TestWhatACutLeaves(t *testing.T) {
	for name, test := range map[string]struct {
		fault   testproxy.Fault
		written bool
	}{
		"before the server acted":       {testproxy.NoRequests(), false},
		"after it acted":                {testproxy.NoReplies(), true},
		"after it acted, without a cut": {testproxy.Silent(), true},
	} {
		t.Run(name, func(t *testing.T) {
			store, proxy := behind(t, newTable(t), 3*time.Second)
			mustAppend(t, store, user("warm")) // so that nothing has to be read
			for kind, tx := range map[string]eventstream.Transaction{"one stream": one("a"), "several": user("b")} {
				proxy.Set(1, test.fault)
				_, err := store.Append(t.Context(), tx)
				proxy.Set(1)
				if !errors.Is(err, eventstream.ErrUnknownOutcome) {
					t.Errorf("%s: append: %v, want ErrUnknownOutcome", kind, err)
				}
				_, err = store.Append(t.Context(), tx)
				var conflict *eventstream.ConflictError
				if lost := errors.As(err, &conflict); lost != test.written || !lost && err != nil {
					t.Errorf("%s: append again: %v, want a conflict: %v", kind, err, test.written)
				}
				if conflict != nil && conflict.Conflicts[0].Winners[0].Command != tx.Command {
					t.Errorf("%s: another's commit won", kind)
				}
				for i := range tx.Entries {
					if stream := tx.Entries[i].Stream; stream != "users/0" {
						wantHead(t, store, stream, 1)
					}
				}
			}
			wantHead(t, store, "users/0", 2)
		})
	}
}

// TestDynamoDBAway: calls say so within their deadlines, nothing is half done, and
// all works again once it is back.
func TestDynamoDBAway(t *testing.T) {
	for name, away := range map[string]struct{ begin, end func(*testproxy.Proxy) }{
		"refuses connections": {(*testproxy.Proxy).Down, (*testproxy.Proxy).Up},
		"does not answer":     {func(p *testproxy.Proxy) { p.Set(1, testproxy.Silent()) }, func(p *testproxy.Proxy) { p.Set(1) }},
		"resets connections":  {func(p *testproxy.Proxy) { p.Set(1, testproxy.Reset()) }, func(p *testproxy.Proxy) { p.Set(1) }},
	} {
		t.Run(name, func(t *testing.T) {
			table := newTable(t)
			store, proxy := behind(t, table, 30*time.Second)
			mustAppend(t, store, transaction(entry("x", eventstream.Empty())))
			calls := map[string]func(context.Context) error{
				"append to one":     func(ctx context.Context) error { _, err := store.Append(ctx, one("a")); return err },
				"append to several": func(ctx context.Context) error { _, err := store.Append(ctx, user("b")); return err },
			}
			for way, read := range readWays {
				calls[way] = func(ctx context.Context) error { return read(ctx, store) }
			}
			away.begin(proxy)
			for call, do := range calls {
				const deadline = 300 * time.Millisecond
				ctx, cancel := context.WithTimeout(t.Context(), deadline)
				begun := time.Now()
				if err := do(ctx); !errors.Is(err, eventstream.ErrUnavailable) {
					t.Errorf("%s: %v, want ErrUnavailable", call, err)
				}
				if took := time.Since(begun); took > deadline+10*time.Second {
					t.Errorf("%s took %v", call, took)
				}
				cancel()
			}
			away.end(proxy)
			wantWhole(t, store, "user/b", "users/0", eventstream.ClaimStream("username", "b"))
			mustAppend(t, store, user("c"))
			for way, read := range readWays {
				if err := read(t.Context(), store); err != nil {
					t.Errorf("%s after it came back: %v", way, err)
				}
			}
		})
	}
}

// wantWhole demands that all streams begin, or none. What was sent before a server
// went away may be done while it is looked at, so what looks like a half is looked
// at again.
func wantWhole(t *testing.T, store *dynamostore.Store, streams ...eventstream.StreamID) {
	t.Helper()
	written := 0
	for began := time.Now(); time.Since(began) < time.Minute; {
		written = 0
		for _, stream := range streams {
			written += int(head(t, store, stream))
		}
		if written == 0 || written == len(streams) {
			return
		}
	}
	t.Errorf("%d of %d streams were written", written, len(streams))
}
