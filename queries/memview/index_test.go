package memview

import (
	"sync"
	"testing"

	"github.com/google/uuid"
)

func TestAnIDHasOneNodeWhoeverNeedsItFirst(t *testing.T) {
	const count, askers = 20_000, 4
	ids := make([]uuid.UUID, count)
	for i := range ids {
		ids[i] = uuid.New()
	}
	nodes := newNodes()
	var answers [askers][count]ref
	var asking sync.WaitGroup
	for a := range askers {
		asking.Go(func() {
			for i := range ids {
				at := (i*7 + a*count/askers) % count // each in another order
				answers[a][at] = nodes.need(ids[at])
				if found, ok := nodes.find(ids[at]); !ok || found != answers[a][at] {
					t.Errorf("id %d is not found where it was added", at)
					return
				}
			}
		})
	}
	asking.Wait()
	if known := nodes.count.Load(); known != count {
		t.Fatalf("%d nodes for %d ids", known, count)
	}
	for i, id := range ids {
		for a := range askers {
			if r := answers[a][i]; r != answers[0][i] || nodes.at(r).id != id {
				t.Fatalf("id %d has node %d or %d", i, r, answers[0][i])
			}
		}
	}
	if _, ok := nodes.find(uuid.New()); ok {
		t.Error("an id that was never added is found")
	}
}

func TestExtendedNodesAreFoundOnceIndexed(t *testing.T) {
	nodes := newNodes()
	const count = 5_000
	nodes.extend(count)
	for r := range ref(count) {
		nodes.at(r).id = uuid.UUID{byte(r), byte(r >> 8), 15: 1}
	}
	nodes.indexAll()
	for r := range ref(count) {
		if found, ok := nodes.find(nodes.at(r).id); !ok || found != r {
			t.Fatalf("node %d is found as %d, %t", r, found, ok)
		}
	}
	if added := nodes.need(uuid.Max); added != count {
		t.Errorf("the next node is %d, want %d", added, count)
	}
}
