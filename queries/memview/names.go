package memview

import (
	"sync"
)

// maxNames bounds the table, because clients choose the names.
const maxNames = 1 << 12

// names gives attribute names numbers, for rows to hold instead. A name keeps
// its number; once the table is full, further names have none.
type names struct {
	mu      sync.RWMutex
	texts   []string
	numbers map[string]int
}

func (n *names) reset() { n.texts, n.numbers = nil, map[string]int{} }

// number gives a name's number, if it has or gets one.
func (n *names) number(name string) (int, bool) {
	n.mu.RLock()
	number, ok := n.numbers[name]
	full := len(n.texts) == maxNames
	n.mu.RUnlock()
	if ok || full {
		return number, ok
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if number, ok := n.numbers[name]; ok {
		return number, true
	}
	if len(n.texts) == maxNames {
		return 0, false
	}
	n.add(name)
	return len(n.texts) - 1, true
}

func (n *names) add(name string) {
	n.numbers[name] = len(n.texts)
	n.texts = append(n.texts, name)
}

// all are the names by number. What is appended later does not show in it.
func (n *names) all() []string {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.texts
}
