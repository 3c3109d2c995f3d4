package memsearch

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// Ordinals are sorted whether they are few or many, and whatever the room held.
func TestOrdinalsAreBroughtInOrder(t *testing.T) {
	var room []uint32
	rapid.Check(t, func(r *rapid.T) {
		count := rapid.IntRange(1, 2000).Draw(r, "count")
		ordinals := rapid.SliceOfDistinct(rapid.Uint32Range(0, uint32(count-1)), rapid.ID[uint32]).Draw(r, "ordinals")
		want := slices.Sorted(slices.Values(ordinals))
		if room = inOrder(ordinals, count, room); !slices.Equal(ordinals, want) {
			r.Fatalf("%v, want %v", ordinals, want)
		}
	})
}
