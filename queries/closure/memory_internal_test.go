package closure

import (
	"testing"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
)

func numbered(n int) domain.GroupID {
	return domain.GroupID{UUID: uuid.UUID{14: byte(n >> 8), 15: byte(n)}}
}

// What is remembered stays within its bound, and a change forgets what lies beyond
// it, and nothing else unless that is more than is remembered.
func TestMemory(t *testing.T) {
	m := memory{most: 100}
	for n := range 1000 {
		m.put(numbered(n), &Reach{groups: make([]domain.GroupID, 1+n%30)})
		if held := m.held.Load(); held > m.most {
			t.Fatalf("%d held, %d allowed", held, m.most)
		}
		if kept := m.get(numbered(n)) != nil; kept != (1+n%30 <= 25) {
			t.Fatalf("reach of %d groups kept: %v", 1+n%30, kept)
		}
	}
	m.clear()
	if m.held.Load() != 0 || m.count.Load() != 0 {
		t.Fatalf("cleared: %d in %d", m.held.Load(), m.count.Load())
	}
	for n := range 10 {
		m.put(numbered(n), &Reach{groups: make([]domain.GroupID, 1)})
	}
	chain := func(group domain.GroupID) []domain.GroupID {
		if n := int(group.UUID[15]); n < 9 {
			return []domain.GroupID{numbered(n + 1)}
		}
		return nil
	}
	m.dropFrom(numbered(7), chain)
	for n := range 10 {
		if kept := m.get(numbered(n)) != nil; kept != (n < 7) {
			t.Errorf("reach of group %d kept: %v", n, kept)
		}
	}
	endless := func(group domain.GroupID) []domain.GroupID {
		return []domain.GroupID{numbered(int(group.UUID[14])<<8 + int(group.UUID[15]) + 1)}
	}
	m.dropFrom(numbered(500), endless)
	if m.count.Load() != 0 {
		t.Error("went on for longer than what is remembered is worth")
	}
}
