package memview

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"
)

// TestSortedIsAnOrderedMap compares the blocks with a plain map, with blocks
// small enough to be split and merged all the time.
func TestSortedIsAnOrderedMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		nodes := newNodes()
		ids := make([]uuid.UUID, 60)
		for i := range ids {
			// Ids that share their first half, and some that do not.
			ids[i] = uuid.UUID{byte(i % 3), 8: byte(i * 37), 15: byte(i + 1)}
			nodes.need(ids[i])
		}
		set := newSorted[edge](nodes, rapid.IntRange(4, 16).Draw(t, "most"))
		plain := map[key]edge{}
		draw := func(t *rapid.T) edge {
			group, member := ref(rapid.IntRange(0, 3).Draw(t, "group")), ref(rapid.IntRange(0, len(ids)-1).Draw(t, "member"))
			return newEdge(nodes, group, member)
		}
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				e := draw(t)
				e.seq = rapid.Uint32().Draw(t, "seq")
				set.put(e)
				plain[e.key(nodes)] = e
			},
			"put many in order": func(t *rapid.T) {
				first := draw(t)
				for member := first.member; member < ref(len(ids)); member++ {
					e := newEdge(nodes, first.group, member)
					set.put(e)
					plain[e.key(nodes)] = e
				}
			},
			"remove": func(t *rapid.T) {
				k := draw(t).key(nodes)
				_, known := plain[k]
				if set.remove(k) != known {
					t.Fatalf("removed something else")
				}
				delete(plain, k)
			},
			"remove many": func(t *rapid.T) {
				first := draw(t)
				for member := range first.member {
					k := newEdge(nodes, first.group, member).key(nodes)
					set.remove(k)
					delete(plain, k)
				}
			},
			"load": func(*rapid.T) {
				entries := slices.Collect(values(&set))
				set = newSorted[edge](nodes, set.most)
				set.load(entries)
			},
			"": func(t *rapid.T) {
				k := draw(t).key(nodes)
				if got, want := set.get(k), plain[k]; (got != nil) != (want.seq > 0 || hasKey(plain, k)) || got != nil && *got != want {
					t.Fatalf("get: %v, want %v", got, want)
				}
				sameOrder(t, &set, plain, k)
			},
		})
	})
}

func hasKey(plain map[key]edge, k key) bool {
	_, ok := plain[k]
	return ok
}

func values(set *sorted[edge]) func(func(edge) bool) {
	return func(yield func(edge) bool) {
		for e := range set.after(key{}) {
			if !yield(*e) {
				return
			}
		}
	}
}

func sameOrder(t *rapid.T, set *sorted[edge], plain map[key]edge, from key) {
	keys := slices.SortedFunc(maps.Keys(plain), key.compare)
	if set.count != len(keys) {
		t.Fatalf("%d entries, want %d", set.count, len(keys))
	}
	for _, after := range []key{{}, from} {
		want := keys
		for len(want) > 0 && want[0].compare(after) <= 0 {
			want = want[1:]
		}
		var got []key
		for e := range set.after(after) {
			got = append(got, e.key(set.nodes))
		}
		if !slices.Equal(got, want) {
			t.Fatalf("after %v: %v, want %v", after, got, want)
		}
	}
	for i, block := range set.blocks {
		if len(block) == 0 || len(block) > set.most {
			t.Fatalf("a block of %d entries", len(block))
		}
		if block[0].compare(set.nodes, set.floors[i]) < 0 {
			t.Fatalf("a block begins below its floor")
		}
	}
}
