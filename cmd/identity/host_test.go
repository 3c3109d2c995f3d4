package main

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
)

// What is started when a host has ended, or ends, is run by nobody after that, and can
// be stopped.
func TestAHostThatEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &host{}
		ctx, cancel := context.WithCancel(t.Context())
		over := false
		var starting, running sync.WaitGroup
		running.Go(func() {
			if err := h.run(ctx); err != nil {
				t.Errorf("it ends with %v", err)
			}
			over = true
		})
		forever := func(ctx context.Context) error {
			if over {
				t.Error("run by a host that ended")
			}
			<-ctx.Done()
			return ctx.Err()
		}
		synctest.Wait()
		first := h.start(forever)
		synctest.Wait()
		for range 100 { // while it ends
			starting.Go(func() { h.start(forever).stop() })
		}
		cancel()
		running.Wait()
		starting.Wait()
		late := h.start(forever)
		synctest.Wait()
		late.stop()
		first.stop()
	})
}

// A task that is stopped before its host runs never runs.
func TestATaskThatNeverRan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &host{}
		h.start(func(context.Context) error { t.Error("it runs"); return nil }).stop()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := h.run(ctx); err != nil {
			t.Error(err)
		}
	})
}
