package memview

import (
	"context"
	"slices"
	"sync"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// keys are the API keys. They are few: one for each client.
type keys struct {
	mu     sync.RWMutex
	rows   map[domain.KeyID]domain.APIKey
	active []domain.KeyID // sorted
}

func (k *keys) reset() { k.rows, k.active = map[domain.KeyID]domain.APIKey{}, nil }

func (k *keys) get(id domain.KeyID) domain.APIKey {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.copy(id)
}

func (k *keys) copy(id domain.KeyID) domain.APIKey {
	row := k.rows[id]
	row.Scopes = slices.Clone(row.Scopes)
	return row
}

func (k *keys) apply(id domain.KeyID, commits []eventstream.Commit) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	row := k.rows[id]
	row.ID = id
	if commits[0].Seq != eventstream.Seq(row.Seq)+1 {
		return eventstream.ErrMoved
	}
	if err := foldAll(commits, row.Apply); err != nil {
		return err
	}
	k.set(row)
	return nil
}

func (k *keys) set(row domain.APIKey) {
	k.rows[row.ID] = row
	at, isListed := slices.BinarySearchFunc(k.active, row.ID, compareKeys)
	switch {
	case row.Active && !isListed:
		k.active = slices.Insert(k.active, at, row.ID)
	case !row.Active && isListed:
		k.active = slices.Delete(k.active, at, at+1)
	}
}

func compareKeys(a, b domain.KeyID) int { return compareIDs(a.UUID, b.UUID) }

// Keys gives the active API keys beyond an id, in the order of their ids.
func (v *View) Keys(_ context.Context, after domain.KeyID, limit int) ([]domain.APIKey, error) {
	k := &v.keys
	k.mu.RLock()
	defer k.mu.RUnlock()
	at, found := slices.BinarySearchFunc(k.active, after, compareKeys)
	if found {
		at++
	}
	ids := k.active[at:]
	rows := make([]domain.APIKey, 0, min(len(ids), max(limit, 0)))
	for _, id := range ids[:cap(rows)] {
		rows = append(rows, k.copy(id))
	}
	return rows, nil
}
