package memsearch

import "slices"

// top keeps the first few of many, in order, each once.
type top[T any] struct {
	most    int
	compare func(a, b T) int
	items   []T
}

// wants tells whether an item may be among the first.
func (t *top[T]) wants(item T) bool {
	return len(t.items) < t.most || len(t.items) > 0 && t.compare(item, t.items[len(t.items)-1]) < 0
}

func (t *top[T]) add(item T) {
	at, found := slices.BinarySearchFunc(t.items, item, t.compare)
	if found || at == t.most {
		return
	}
	if len(t.items) == t.most {
		t.items = t.items[:t.most-1]
	}
	t.items = slices.Insert(t.items, at, item)
}
