package eventstream_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/memstore"
	"github.com/seed5b6a70b4/identity/eventstream/storetest"
)

// next decides to append one commit after the last one of x.
func next(store eventstream.Store, text string) func(context.Context, uuid.UUID) ([]eventstream.Entry, error) {
	return func(ctx context.Context, _ uuid.UUID) ([]eventstream.Entry, error) {
		last, err := store.Last(ctx, "x")
		return []eventstream.Entry{entry("x", eventstream.Exactly(last.Seq), text)}, err
	}
}

// slow are options with pauses long enough to be measured, in the time of a
// synctest bubble; retries counts.
func slow(retries *int) *eventstream.Options {
	return &eventstream.Options{Attempts: 5, Backoff: time.Second, OnRetry: func(error) { *retries++ }}
}

func TestTransactFaults(t *testing.T) {
	const (
		fine        = storetest.NoFault
		lostRequest = storetest.LostRequest
		lostReply   = storetest.LostReply
		throttled   = storetest.Throttled
		unavailable = storetest.Unavailable
	)
	for _, test := range []struct {
		name             string
		plan             []storetest.Fault
		always           storetest.Fault
		want             error
		written, retries int
	}{
		{name: "none", written: 1},
		{name: "throttled", plan: []storetest.Fault{throttled, throttled}, written: 1, retries: 2},
		{name: "throttled for ever", always: throttled, want: eventstream.ErrThrottled, retries: 4},
		{name: "unavailable is not tried again", plan: []storetest.Fault{unavailable}, want: eventstream.ErrUnavailable},
		{name: "a lost request", plan: []storetest.Fault{lostRequest}, written: 1, retries: 1},
		{name: "a lost reply", plan: []storetest.Fault{lostReply}, written: 1, retries: 1},
		{name: "lost replies", plan: []storetest.Fault{lostReply, lostReply, lostRequest}, written: 1, retries: 3},
		{name: "sent twice underneath", plan: []storetest.Fault{storetest.SentTwice}, written: 1},
		{name: "a lost reply, then throttled", plan: []storetest.Fault{lostReply, throttled, throttled}, written: 1, retries: 3},
		{name: "a lost reply, then unavailable", plan: []storetest.Fault{lostReply, unavailable, fine}, written: 1, retries: 2},
		{name: "a lost reply, then unavailable for ever", plan: []storetest.Fault{lostReply}, always: unavailable, want: eventstream.ErrUnknownOutcome, written: 1, retries: 4},
		{name: "a lost reply, then throttled for ever", plan: []storetest.Fault{lostReply}, always: throttled, want: eventstream.ErrUnknownOutcome, written: 1, retries: 4},
		{name: "lost requests for ever", always: lostRequest, want: eventstream.ErrUnknownOutcome, retries: 4},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store, retries := memstore.New(nil), 0
				faulty := storetest.NewFaulty(store, test.plan...)
				faulty.Always(test.always)
				commits, err := eventstream.New(faulty, slow(&retries)).Transact(t.Context(), eventstream.Attribution{Actor: "somebody", Correlation: "something"}, next(store, "once"))
				if !errors.Is(err, test.want) || (err == nil) != (test.want == nil) {
					t.Fatalf("error is %v, want %v", err, test.want)
				}
				written := readAll(t, store, "x")
				if len(written) != test.written || retries != test.retries {
					t.Fatalf("%d commits and %d retries, want %d and %d", len(written), retries, test.written, test.retries)
				}
				if err == nil {
					same(t, "the answer", commits, written)
					if commits[0].Actor != "somebody" || commits[0].Correlation != "something" {
						t.Fatal("the commit does not say who asked")
					}
				}
			})
		})
	}
}

func TestTransactDecidesAgainAfterAConflict(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, retries, decided := memstore.New(nil), 0, 0
		streams := eventstream.New(store, slow(&retries))
		commits, err := streams.Transact(t.Context(), eventstream.Attribution{}, func(ctx context.Context, _ uuid.UUID) ([]eventstream.Entry, error) {
			entries, err := next(store, "decided")(ctx, uuid.Nil)
			if decided++; decided <= 3 {
				if _, err := store.Append(ctx, transaction(entry("x", eventstream.Any(), "other"), entry(eventstream.UsersStream(decided), eventstream.Empty(), ""))); err != nil {
					t.Fatal(err)
				}
			}
			return entries, err
		})
		if err != nil || len(commits) != 1 || commits[0].Seq != 4 || string(commits[0].Data) != "decided" || decided != 4 || retries != 3 {
			t.Fatalf("%v, %v after %d decisions and %d retries", commits, err, decided, retries)
		}
	})
}

func TestTransactGivesUpAfterItsAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, retries, decided := memstore.New(nil), 0, 0
		begun := time.Now()
		_, err := eventstream.New(store, slow(&retries)).Transact(t.Context(), eventstream.Attribution{}, func(context.Context, uuid.UUID) ([]eventstream.Entry, error) {
			decided++
			return []eventstream.Entry{entry("x", eventstream.Exactly(1), "")}, nil
		})
		if !errors.Is(err, eventstream.ErrConflict) || decided != 5 || retries != 4 {
			t.Fatalf("%v after %d decisions and %d retries, want a conflict after 5 and 4", err, decided, retries)
		}
		if took, longest := time.Since(begun), (1+2+4+8)*time.Second; took == 0 || took > longest {
			t.Fatalf("the pauses took %v, want some and at most %v", took, longest)
		}
	})
}

// TestPausesAreFullJitter looks at the first pauses of many transactions: they
// are spread over everything from nothing to the longest.
func TestPausesAreFullJitter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		quarters := [4]int{}
		for i := range 200 {
			retries := 0
			store := memstore.New(nil)
			begun := time.Now()
			if _, err := eventstream.New(storetest.NewFaulty(store, storetest.Throttled), slow(&retries)).Transact(t.Context(), eventstream.Attribution{}, next(store, "")); err != nil {
				t.Fatalf("transaction %d: %v", i, err)
			}
			took := time.Since(begun)
			if took > time.Second {
				t.Fatalf("the first pause took %v, want at most a second", took)
			}
			quarters[min(3, took/(time.Second/4))]++
		}
		for i, hits := range quarters {
			if hits < 20 {
				t.Errorf("%d of 200 pauses are in quarter %d", hits, i+1)
			}
		}
	})
}

func TestTransactStopsWithItsContext(t *testing.T) {
	for name, fault := range map[string]struct {
		fault storetest.Fault
		want  error
	}{
		"throttled":    {storetest.Throttled, eventstream.ErrThrottled},
		"lost request": {storetest.LostRequest, eventstream.ErrUnknownOutcome},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store, retries := memstore.New(nil), 0
				faulty := storetest.NewFaulty(store)
				faulty.Always(fault.fault)
				options := slow(&retries)
				options.Attempts = 1000
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				begun := time.Now()
				_, err := eventstream.New(faulty, options).Transact(ctx, eventstream.Attribution{}, next(store, ""))
				if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, fault.want) {
					t.Fatalf("error is %v, want both the context's and the last attempt's", err)
				}
				if took := time.Since(begun); took != time.Minute {
					t.Fatalf("it took %v, want a minute", took)
				}
			})
		})
	}
}

func TestARejectionIsFinal(t *testing.T) {
	rejection := fmt.Errorf("no: %w", eventstream.ErrConflict) // even one that looks like a conflict
	store, decided := storetest.NewFaulty(memstore.New(nil)), 0
	_, err := eventstream.New(store, nil).Transact(t.Context(), eventstream.Attribution{}, func(context.Context, uuid.UUID) ([]eventstream.Entry, error) {
		decided++
		return []eventstream.Entry{entry("x", eventstream.Empty(), "")}, rejection
	})
	if err != rejection || decided != 1 || store.Calls() != 0 {
		t.Fatalf("%v after %d decisions and %d appends", err, decided, store.Calls())
	}
}

func TestNothingToDoWritesNothing(t *testing.T) {
	store := storetest.NewFaulty(memstore.New(nil))
	commits, err := eventstream.New(store, nil).Transact(t.Context(), eventstream.Attribution{}, func(context.Context, uuid.UUID) ([]eventstream.Entry, error) { return nil, nil })
	if commits != nil || err != nil || store.Calls() != 0 {
		t.Fatalf("%v, %v after %d appends", commits, err, store.Calls())
	}
}

func TestAnInvalidTransactionIsNotTriedAgain(t *testing.T) {
	store := storetest.NewFaulty(memstore.New(nil))
	_, err := eventstream.New(store, nil).Transact(t.Context(), eventstream.Attribution{}, func(context.Context, uuid.UUID) ([]eventstream.Entry, error) {
		return []eventstream.Entry{entry("x", eventstream.Any(), "")}, nil
	})
	if !errors.Is(err, eventstream.ErrInvalid) || store.Calls() != 1 {
		t.Fatalf("%v after %d appends, want ErrInvalid after 1", err, store.Calls())
	}
}
