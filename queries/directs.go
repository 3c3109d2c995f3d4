package queries

import (
	"context"
	"fmt"
	"sync"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
)

// directs remember, for the questions of one request, the first direct
// memberships of each member, which are read once.
type directs struct {
	reader *Reader
	mu     sync.Mutex
	known  map[uuid.UUID]func(context.Context) ([]domain.Membership, bool, error)
}

func newDirects(r *Reader) *directs {
	return &directs{reader: r, known: map[uuid.UUID]func(context.Context) ([]domain.Membership, bool, error){}}
}

// directsOf gives the first direct memberships of a member, and tells whether
// there may be more.
func (r *Reader) directsOf(ctx context.Context, member uuid.UUID, known *directs) (edges []domain.Membership, more bool, err error) {
	if known != nil {
		return known.of(member)(ctx)
	}
	edges, err = r.config.View.GroupsOf(ctx, member, domain.GroupID{}, directPage)
	if err != nil {
		return nil, false, fmt.Errorf("list the groups of a member: %w", err)
	}
	return edges, len(edges) == directPage, nil
}

// of gives what reads a member's memberships, or waits for who does. The slice is
// not to be changed.
func (d *directs) of(member uuid.UUID) func(context.Context) ([]domain.Membership, bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	read := d.known[member]
	if read == nil {
		var once sync.Once
		var edges []domain.Membership
		var more bool
		var err error
		read = func(ctx context.Context) ([]domain.Membership, bool, error) {
			once.Do(func() { edges, more, err = d.reader.directsOf(ctx, member, nil) })
			return edges[:len(edges):len(edges)], more, err
		}
		d.known[member] = read
	}
	return read
}
