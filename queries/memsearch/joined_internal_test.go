package memsearch

import (
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// Sorted sequences are walked as one: everything once, in order, those of one sequence
// as they stand in it.
func TestSequencesAreJoined(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		sequences := rapid.SliceOfN(rapid.SliceOfN(rapid.IntRange(0, 20), 0, 12), 0, 9).Draw(r, "sequences")
		heads, ends := make([]uint32, len(sequences)), make([]uint32, len(sequences))
		var want, got []int
		for i, sequence := range sequences {
			slices.Sort(sequence)
			ends[i] = uint32(len(sequence))
			want = append(want, sequence...)
		}
		slices.Sort(want)
		head := func(i int) int { return sequences[i][heads[i]] }
		m := &merging{pause: func() error { return nil }}
		err := m.joined(heads, ends, func(a, b int) bool { return head(a) < head(b) }, func(i int) { got = append(got, head(i)) })
		if err != nil || !slices.Equal(got, want) || !slices.Equal(heads, ends) {
			r.Fatalf("%v, want %v: %v", got, want, err)
		}
	})
}

// An error of the pause ends the walk.
func TestJoiningIsStopped(t *testing.T) {
	full := errors.New("enough")
	m := &merging{pause: func() error { return full }}
	heads, ends := []uint32{0, 0}, []uint32{5000, 5000}
	steps := 0
	err := m.joined(heads, ends, func(a, b int) bool { return heads[a] < heads[b] }, func(int) { steps++ })
	if !errors.Is(err, full) || steps == 0 || steps > 1024 {
		t.Errorf("%d steps, %v", steps, err)
	}
}

// What sinks in a heap that is one but for it makes it one, of the same.
func TestSinkMakesAHeap(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		weights := rapid.SliceOfN(rapid.IntRange(0, 9), 1, 40).Draw(r, "weights")
		heap := make([]int, len(weights))
		for i := range heap {
			heap[i] = i
		}
		less := func(a, b int) bool { return weights[a] < weights[b] }
		for at := len(heap) - 1; at >= 0; at-- {
			sink(heap, at, less)
			for i := at; i < len(heap); i++ {
				for _, child := range []int{2*i + 1, 2*i + 2} {
					if child < len(heap) && less(heap[child], heap[i]) {
						r.Fatalf("%v of %v: %d is below %d", heap, weights, child, i)
					}
				}
			}
		}
		if all := slices.Sorted(slices.Values(heap)); all[0] != 0 || all[len(all)-1] != len(heap)-1 || len(slices.Compact(all)) != len(heap) {
			r.Fatalf("%v are not all", heap)
		}
	})
}
