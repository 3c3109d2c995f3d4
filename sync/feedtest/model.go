package feedtest

import (
	"context"
	"fmt"
	"maps"
	"sync"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// Model is a view whose rows are the commits that were applied to them. It shows
// users, groups, members and keys, and cannot apply events that the domain does
// not know. The zero Model has the name model and is empty.
type Model struct {
	// Called, if not empty, is the view's name.
	Called string
	// Fail, if set, is asked before each Apply; what it answers is Apply's error.
	Fail func(commits []eventstream.Commit) error
	// Changed, if set, is told of the stream of each row that has changed.
	Changed func(stream eventstream.StreamID)

	mu      sync.RWMutex
	rows    map[eventstream.StreamID][]eventstream.Hash
	applied uint64
}

// Name implements querysync.View.
func (m *Model) Name() string {
	if m.Called == "" {
		return "model"
	}
	return m.Called
}

// Shows implements querysync.View.
func (m *Model) Shows(stream eventstream.StreamID) bool {
	switch stream.Kind() {
	case eventstream.UserKind, eventstream.GroupKind, eventstream.MemberKind, eventstream.KeyKind:
		return true
	}
	return false
}

// Seq implements querysync.View.
func (m *Model) Seq(_ context.Context, stream eventstream.StreamID) (eventstream.Seq, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return eventstream.Seq(len(m.rows[stream])), nil
}

// Apply implements querysync.View.
func (m *Model) Apply(_ context.Context, commits []eventstream.Commit) error {
	if m.Fail != nil {
		if err := m.Fail(commits); err != nil {
			return err
		}
	}
	if err := m.apply(commits); err != nil {
		return err
	}
	if m.Changed != nil {
		m.Changed(commits[0].Stream)
	}
	return nil
}

func (m *Model) apply(commits []eventstream.Commit) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	stream := commits[0].Stream
	row := m.rows[stream]
	if int(commits[0].Seq) != len(row)+1 {
		return eventstream.ErrMoved
	}
	for i := range commits {
		if commits[i].Stream != stream || int(commits[i].Seq) != len(row)+1 {
			return fmt.Errorf("commit %d of kind %s does not follow", commits[i].Seq, commits[i].Stream.Kind())
		}
		if _, err := domain.DecodeEvents(commits[i].Data); err != nil {
			return err
		}
		row = append(row[:len(row):len(row)], commits[i].Hash)
	}
	if m.rows == nil {
		m.rows = map[eventstream.StreamID][]eventstream.Hash{}
	}
	m.rows[stream] = row
	return nil
}

// Applied implements querysync.Positioned.
func (m *Model) Applied() uint64 {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.applied
}

// SetApplied implements querysync.Positioned.
func (m *Model) SetApplied(position uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.applied = max(m.applied, position)
}

// Rows is everything that the model shows.
func (m *Model) Rows() map[eventstream.StreamID][]eventstream.Hash {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return maps.Clone(m.rows)
}

// Copy is a model with the same rows and another position: what a snapshot is,
// which was taken while rows were written.
func (m *Model) Copy(position uint64) *Model {
	return &Model{Called: m.Called, rows: m.Rows(), applied: position}
}
