package deadline_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/seed5b6a70b4/identity/internal/deadline"
)

func TestWithIsAContext(t *testing.T) {
	type key struct{}
	far, past := time.Now().Add(time.Hour), time.Now().Add(-time.Second)
	ended := func(ctx context.Context) bool {
		select {
		case <-ctx.Done():
			return true
		default:
			return false
		}
	}
	t.Run("open", func(t *testing.T) {
		ctx, end := deadline.With(context.WithValue(t.Context(), key{}, "v"), far)
		if ctx.Err() != nil || ctx.Value(key{}) != "v" {
			t.Error("ended, or without its parent's values")
		}
		if at, given := ctx.Deadline(); !given || !at.Equal(far) {
			t.Errorf("deadline %v", at)
		}
		child, cancel := context.WithCancel(ctx)
		defer cancel()
		if ended(ctx) || ended(child) || ctx.Value(key{}) != "v" {
			t.Error("ended, or without its parent's values")
		}
		end()
		if !ended(ctx) || !errors.Is(ctx.Err(), context.Canceled) || !errors.Is(child.Err(), context.Canceled) {
			t.Errorf("after its end: %v, child %v", ctx.Err(), child.Err())
		}
	})
	t.Run("ended before anybody waited", func(t *testing.T) {
		ctx, end := deadline.With(t.Context(), far)
		end()
		if !errors.Is(ctx.Err(), context.Canceled) || !ended(ctx) || !errors.Is(ctx.Err(), context.Canceled) {
			t.Errorf("after its end: %v", ctx.Err())
		}
	})
	t.Run("past", func(t *testing.T) {
		ctx, end := deadline.With(t.Context(), past)
		defer end()
		if !errors.Is(ctx.Err(), context.DeadlineExceeded) || !ended(ctx) || !errors.Is(ctx.Err(), context.DeadlineExceeded) {
			t.Errorf("after its time: %v", ctx.Err())
		}
	})
	t.Run("the parent's earlier deadline and end hold", func(t *testing.T) {
		above, cancel := context.WithDeadline(t.Context(), far.Add(-time.Minute))
		ctx, end := deadline.With(above, far)
		defer end()
		if at, _ := ctx.Deadline(); !at.Equal(far.Add(-time.Minute)) {
			t.Errorf("deadline %v", at)
		}
		cancel()
		if !errors.Is(ctx.Err(), context.Canceled) || !ended(ctx) {
			t.Errorf("after its parent's end: %v", ctx.Err())
		}
	})
}
