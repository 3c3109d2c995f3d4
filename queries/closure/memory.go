package closure

import (
	"sync"
	"sync/atomic"

	"github.com/seed5b6a70b4/identity/domain"
)

// most bounds what is remembered in one direction: groups over all reaches, of 24
// bytes each.
const most = 1 << 20

// memory holds the reaches of one direction that were worked out. What is put in
// while the graph is locked for reading is right until it is locked for writing.
type memory struct {
	most    int64
	reaches sync.Map // of domain.GroupID to *Reach
	count   atomic.Int64
	held    atomic.Int64 // groups in all of them
}

func (m *memory) get(group domain.GroupID) *Reach {
	found, _ := m.reaches.Load(group)
	r, _ := found.(*Reach)
	return r
}

// put remembers a reach; where there is no room left, everything else is
// forgotten.
func (m *memory) put(group domain.GroupID, r *Reach) {
	size := int64(len(r.groups))
	if size > m.most/4 {
		return
	}
	if m.held.Load()+size > m.most {
		m.clear()
	}
	if _, there := m.reaches.LoadOrStore(group, r); !there {
		m.count.Add(1)
		m.held.Add(size)
	}
}

func (m *memory) drop(group domain.GroupID) {
	if found, there := m.reaches.LoadAndDelete(group); there {
		m.count.Add(-1)
		m.held.Add(-int64(len(found.(*Reach).groups)))
	}
}

func (m *memory) clear() {
	m.reaches.Range(func(group, _ any) bool {
		m.drop(group.(domain.GroupID))
		return true
	})
}

// dropFrom forgets the reaches of a group and of all that next leads to. Where
// that are more than are remembered, it forgets everything instead.
func (m *memory) dropFrom(group domain.GroupID, next func(domain.GroupID) []domain.GroupID) {
	if m.count.Load() == 0 {
		return
	}
	seen := map[domain.GroupID]struct{}{group: {}}
	for open := []domain.GroupID{group}; len(open) > 0; {
		if int64(len(seen)) > 2*m.count.Load()+64 {
			m.clear()
			return
		}
		group := open[len(open)-1]
		open = open[:len(open)-1]
		m.drop(group)
		for _, beyond := range next(group) {
			if _, again := seen[beyond]; !again {
				seen[beyond] = struct{}{}
				open = append(open, beyond)
			}
		}
	}
}
