package lognotices

import (
	"strings"
	"sync"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// keptTransactions is how many of the newest transactions are kept while somebody
// waits, so that not each of those who wait reads them from the log.
const keptTransactions = 1024

// latest are the newest transactions of the log, while somebody waits for them.
type latest struct {
	mu      sync.RWMutex
	waiting int
	changed chan struct{} // closed when there is something new; nil while nobody waits
	// first is the position of the first one that is kept; kept are those from there
	// on, without a gap.
	first uint64
	kept  [][]eventstream.Position
}

// wait gives what is closed at the next change. leave must be called at last.
func (l *latest) wait() (changed <-chan struct{}, leave func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.changed == nil {
		l.changed = make(chan struct{})
	}
	l.waiting++
	return l.changed, l.leave
}

func (l *latest) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting--
}

func (l *latest) add(transactions [][]eventstream.Commit) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.changed != nil {
		close(l.changed)
		l.changed = nil
	}
	if l.waiting == 0 {
		l.kept = nil
		return
	}
	for _, transaction := range transactions {
		if len(transaction) == 0 {
			continue
		}
		l.keep(transaction[0].Log, shown(transaction))
	}
	if len(l.kept) > 2*keptTransactions {
		passed := len(l.kept) - keptTransactions
		l.kept = append([][]eventstream.Position(nil), l.kept[passed:]...)
		l.first += uint64(passed)
	}
}

func (l *latest) keep(position uint64, positions []eventstream.Position) {
	for i := range positions {
		positions[i].Stream = eventstream.StreamID(strings.Clone(string(positions[i].Stream))) // not all of the batch with it
	}
	if l.kept == nil || l.first+uint64(len(l.kept)) != position {
		l.first, l.kept = position, nil
	}
	l.kept = append(l.kept, positions)
}

// read fills a page up to a position, if all of that is kept.
func (l *latest) read(p *page, end uint64) bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if p.at+1 < l.first || l.kept == nil || end >= l.first+uint64(len(l.kept)) {
		return false
	}
	for position := p.at + 1; position <= end; position++ {
		if !p.add(position, l.kept[position-l.first]) {
			break
		}
	}
	return true
}
