package generations_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/seed5b6a70b4/identity/sync/generations"
)

// keeper keeps a record in memory.
type keeper struct {
	mu      sync.Mutex
	record  []byte
	version uint64
}

func (k *keeper) Roll(context.Context) ([]byte, uint64, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.record, k.version, nil
}

func (k *keeper) RollVersion(context.Context) (uint64, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.version, nil
}

func (k *keeper) SetRoll(_ context.Context, was uint64, record []byte) (bool, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.version != was {
		return false, nil
	}
	k.record, k.version = record, was+1
	return true, nil
}

// Whatever is asked of a roll, in whatever order, something answers, whatever answers
// or is kept is followed, an index has the rows that it is made of, and no number is
// given twice.
func TestRollsHold(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		k, given := &keeper{}, map[string][]int{}
		do := func(change func(*generations.Roll) error) {
			_, _ = generations.Change(t.Context(), k, change) // what is refused changes nothing
		}
		building := func(do func(*generations.Roll, *generations.Build) error) func(*generations.Roll) error {
			return func(r *generations.Roll) error {
				if r.Build == nil {
					return generations.ErrNone
				}
				return do(r, r.Build)
			}
		}
		view := func() string {
			return rapid.SampledFrom([]string{generations.Rows, generations.Search, generations.Closure}).Draw(rt, "view")
		}
		number := func() int { return rapid.IntRange(1, 8).Draw(rt, "number") }
		rt.Repeat(map[string]func(*rapid.T){
			"start": func(*rapid.T) {
				do(func(r *generations.Roll) error { return r.Start(generations.Build{}, view(), view()) })
			},
			"made": func(*rapid.T) {
				do(building(func(r *generations.Roll, b *generations.Build) error { return r.Made(b.Number) }))
			},
			"filled": func(*rapid.T) {
				do(building(func(r *generations.Roll, b *generations.Build) error { return r.Filled(b.Number) }))
			},
			"switch": func(*rapid.T) {
				do(building(func(r *generations.Roll, b *generations.Build) error {
					return r.Switch(b.Number, generations.Comparison{}, time.Time{})
				}))
			},
			"folded": func(*rapid.T) {
				do(building(func(r *generations.Roll, b *generations.Build) error {
					return r.Folded(b.Number, generations.Comparison{}, time.Time{})
				}))
			},
			"fail":   func(*rapid.T) { do(func(r *generations.Roll) error { return r.Fail("why", nil, time.Time{}) }) },
			"back":   func(*rapid.T) { do((*generations.Roll).Back) },
			"drop":   func(*rapid.T) { do(func(r *generations.Roll) error { return r.Drop(time.Time{}) }) },
			"index":  func(*rapid.T) { do((*generations.Roll).Index) },
			"remove": func(*rapid.T) { do(func(r *generations.Roll) error { return r.Remove(view(), number()) }) },
			"gone":   func(*rapid.T) { do(func(r *generations.Roll) error { return r.Gone(view(), number()) }) },
			"": func(rt *rapid.T) {
				r, err := generations.Read(t.Context(), k)
				if err != nil {
					rt.Fatal(err)
				}
				holds(rt, r)
				for _, view := range []string{generations.Rows, generations.Search, generations.Closure} {
					if answers := r.Line(view).Answers; answers != 0 && !slices.Contains(given[view], answers) {
						given[view] = append(given[view], answers)
					}
				}
				if b := r.Build; b != nil && !slices.Contains(given[b.Views[0]], b.Number) {
					if seen := given[b.Views[0]]; len(seen) > 0 && slices.Max(seen) >= b.Number {
						rt.Fatalf("%s %d was given before", b.Views[0], b.Number)
					}
					given[b.Views[0]] = append(given[b.Views[0]], b.Number)
				}
			},
		})
	})
}

// An index that was there before the roll told of one was made of the first rows: it
// is taken where those answer, and otherwise goes.
func TestAnIndexFromBeforeTheRoll(t *testing.T) {
	build := func(r *generations.Roll, view string) {
		t.Helper()
		err := r.Start(generations.Build{}, view)
		for err == nil && r.Build != nil {
			number := r.Build.Number
			if err = r.Made(number); err == nil {
				if err = r.Filled(number); err == nil {
					err = r.Switch(number, generations.Comparison{}, time.Time{})
				}
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, test := range map[string]struct {
		do      func(*generations.Roll) error
		answers int
		removed []int
	}{
		"of the rows that answer": {do: (*generations.Roll).Index, answers: 1},
		"of rows that were built anew": {do: func(r *generations.Roll) error {
			build(r, generations.Rows)
			return r.Index()
		}, answers: 2, removed: []int{1}},
		"of rows that answer again": {do: func(r *generations.Roll) error {
			build(r, generations.Rows)
			return errors.Join(r.Back(), r.Index())
		}, answers: 1},
		"built anew": {do: func(r *generations.Roll) error {
			build(r, generations.Search)
			return nil
		}, answers: 2, removed: []int{1}},
	} {
		t.Run(name, func(t *testing.T) {
			r := generations.New()
			if err := test.do(r); err != nil || r.Search.Answers != test.answers || !slices.Equal(r.Search.Removed, test.removed) {
				t.Errorf("the index is %+v, %v", r.Search, err)
			}
			if of := r.Search.Of[r.Search.Answers]; of != r.Rows.Answers {
				t.Errorf("it is of rows %d", of)
			}
		})
	}
}

func holds(rt *rapid.T, r *generations.Roll) {
	for _, line := range []*generations.Line{&r.Rows, &r.Search, &r.Closure} {
		if line.Answers == 0 && line == &r.Search && line.Kept == 0 {
			continue // there is no index
		}
		if line.Answers == 0 || line.Kept == line.Answers || slices.Contains(line.Leaving, line.Answers) || slices.Contains(line.Removed, line.Answers) {
			rt.Fatalf("what answers does not stand alone: %+v", line)
		}
		for _, number := range line.Followed() {
			if slices.Contains(line.Removed, number) {
				rt.Fatalf("%d is followed and removed: %+v", number, line)
			}
		}
	}
	if c := &r.Closure; len(c.Followed()) != 1 || len(c.Leaving)+len(c.Removed) > 0 {
		rt.Fatalf("something is left of a closure: %+v", c)
	}
	for _, number := range r.Search.Followed() {
		if of := r.Search.Of[number]; !slices.Contains(r.Rows.Followed(), of) {
			rt.Fatalf("search %d is of rows %d, which are not followed: %+v", number, of, r)
		}
	}
}
