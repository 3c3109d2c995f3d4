package dynamostore

import (
	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// heads remembers commits that were once the last of their streams. Whoever uses
// one writes the next number on condition that there is none: that others moved
// the stream meanwhile costs a request, and nothing else. It may be used
// concurrently.
type heads struct {
	cache *lru.Cache[eventstream.StreamID, eventstream.Head] // nil remembers nothing
}

func newHeads(size int) *heads {
	if size < 0 {
		return &heads{}
	}
	cache, err := lru.New[eventstream.StreamID, eventstream.Head](size)
	if err != nil {
		return &heads{}
	}
	return &heads{cache}
}

func (h *heads) get(stream eventstream.StreamID) (eventstream.Head, bool) {
	if h.cache == nil {
		return eventstream.Head{}, false
	}
	return h.cache.Get(stream)
}

// raise remembers a commit that is stored, unless a later one is remembered.
func (h *heads) raise(c *eventstream.Commit) {
	if h.cache == nil {
		return
	}
	if known, ok := h.cache.Peek(c.Stream); !ok || known.Seq < c.Seq {
		h.cache.Add(c.Stream, headOf(c))
	}
}

func (h *heads) forget(stream eventstream.StreamID) {
	if h.cache != nil {
		h.cache.Remove(stream)
	}
}

func headOf(c *eventstream.Commit) eventstream.Head {
	return eventstream.Head{Seq: c.Seq, Time: c.Time, Hash: c.Hash}
}
