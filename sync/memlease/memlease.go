// Package memlease keeps leases in memory, for tests, and for one process that may
// begin anew whenever it starts.
package memlease

import (
	"context"
	"slices"
	"sync"

	"github.com/seed5b6a70b4/identity/sync/shardfeed"
)

// Leases are shardfeed.Leases. The zero value is empty and ready.
type Leases struct {
	mu     sync.Mutex
	leases map[string]shardfeed.Lease
}

// List implements shardfeed.Leases.
func (l *Leases) List(ctx context.Context) ([]shardfeed.Lease, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	var leases []shardfeed.Lease
	for _, lease := range l.leases {
		lease.Parents = slices.Clone(lease.Parents)
		leases = append(leases, lease)
	}
	return leases, nil
}

// Create implements shardfeed.Leases.
func (l *Leases) Create(ctx context.Context, lease shardfeed.Lease) (shardfeed.Lease, error) {
	if err := ctx.Err(); err != nil {
		return shardfeed.Lease{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if stored, exists := l.leases[lease.Shard]; exists {
		return stored, shardfeed.ErrLost
	}
	lease.Counter, lease.Parents = 1, slices.Clone(lease.Parents)
	if l.leases == nil {
		l.leases = map[string]shardfeed.Lease{}
	}
	l.leases[lease.Shard] = lease
	return lease, nil
}

// Update implements shardfeed.Leases.
func (l *Leases) Update(ctx context.Context, was, next shardfeed.Lease) (shardfeed.Lease, error) {
	if err := ctx.Err(); err != nil {
		return shardfeed.Lease{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	stored, exists := l.leases[was.Shard]
	if !exists || stored.Owner != was.Owner || stored.Counter != was.Counter {
		return stored, shardfeed.ErrLost
	}
	next.Shard, next.Counter, next.Parents = was.Shard, was.Counter+1, slices.Clone(next.Parents)
	l.leases[was.Shard] = next
	return next, nil
}

// Delete implements shardfeed.Leases.
func (l *Leases) Delete(ctx context.Context, was shardfeed.Lease) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	stored, exists := l.leases[was.Shard]
	if exists && (stored.Owner != was.Owner || stored.Counter != was.Counter) {
		return shardfeed.ErrLost
	}
	delete(l.leases, was.Shard)
	return nil
}
