package audit

import (
	"bytes"
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// pageSize is how much of a list is asked for at a time.
const pageSize = 500

// compareLists demands that every list of the view shows, in order, what counts
// and nothing else. What each thing says was compared row by row.
func (a *audit) compareLists(ctx context.Context) error {
	if a.subject.View == nil {
		return nil
	}
	view := a.subject.View
	return errors.Join(
		compareList(ctx, a, list[domain.User]{
			name: "users", entities: a.users, stream: eventstream.UserStream,
			page: func(after uuid.UUID, limit int) ([]domain.User, error) {
				return view.Users(ctx, domain.UserID{UUID: after}, limit)
			},
			id: func(u *domain.User) uuid.UUID { return u.ID.UUID },
			exists: func(id uuid.UUID) (bool, error) {
				row, err := view.User(ctx, domain.UserID{UUID: id})
				return row.Exists(), err
			},
		}),
		compareList(ctx, a, list[domain.Group]{
			name: "groups", entities: a.groups, stream: eventstream.GroupStream,
			page: func(after uuid.UUID, limit int) ([]domain.Group, error) {
				return view.Groups(ctx, domain.GroupID{UUID: after}, limit)
			},
			id: func(g *domain.Group) uuid.UUID { return g.ID.UUID },
			exists: func(id uuid.UUID) (bool, error) {
				row, err := view.Group(ctx, domain.GroupID{UUID: id})
				return row.Exists(), err
			},
		}),
		a.compareEdgeLists(ctx),
	)
}

// list is a list of entities, and what it must show.
type list[E any] struct {
	name     string
	entities map[uuid.UUID]entity
	stream   func(uuid.UUID) eventstream.StreamID
	page     func(after uuid.UUID, limit int) ([]E, error)
	id       func(*E) uuid.UUID
	exists   func(uuid.UUID) (bool, error)
}

func compareList[E any](ctx context.Context, a *audit, l list[E]) error {
	listed := make(map[uuid.UUID]struct{}, len(l.entities))
	err := walk(ctx, l.page, l.id, func(id uuid.UUID, inOrder bool) error {
		listed[id] = struct{}{}
		if !inOrder {
			a.reporter.add(Finding{Part: Lists, Stream: l.stream(id), What: "is out of order in the list of " + l.name})
		}
		if l.entities[id].lives() || l.entities[id].broken {
			return nil
		}
		return a.settleListed(ctx, l.stream(id), l.name, func() (bool, bool, error) { return l.look(id) })
	})
	if err := a.unreadable("", l.name, err); err != nil {
		return err
	}
	return each(ctx, a, "list of "+l.name, l.entities, func(id uuid.UUID, e entity) error {
		if _, shown := listed[id]; shown || e.broken || !e.lives() {
			return nil
		}
		return a.settleListed(ctx, l.stream(id), l.name, func() (bool, bool, error) { return l.look(id) })
	})
}

// look tells whether the list shows the entity and whether its row says that it
// exists.
func (l *list[E]) look(id uuid.UUID) (shown, must bool, err error) {
	if must, err = l.exists(id); err != nil {
		return false, false, err
	}
	shown, err = starts(l.page, l.id, id)
	return shown, must, err
}

// settleListed reports a list that shows what it must not, or the other way.
func (a *audit) settleListed(ctx context.Context, stream eventstream.StreamID, name string, look func() (shown, must bool, err error)) error {
	return a.settle(ctx, func() (*Finding, error) {
		shown, must, err := look()
		switch {
		case err != nil && a.fatalRow(err):
			return nil, err
		case err != nil:
			return &Finding{Part: Lists, Stream: stream, What: "cannot be read in the list of " + name}, nil
		}
		last, err := a.subject.Store.Last(ctx, stream)
		switch {
		case errors.Is(err, eventstream.ErrCorrupt):
			return nil, nil // is a finding of its own
		case err != nil:
			return nil, err
		case shown && last.Seq == 0:
			return &Finding{Part: Lists, Stream: stream, What: "is in the list of " + name + ", but has no commit"}, nil
		case shown == must:
			return nil, nil
		case shown:
			return &Finding{Part: Lists, Stream: stream, What: "is in the list of " + name + ", but does not exist"}, nil
		default:
			return &Finding{Part: Lists, Stream: stream, What: "is missing from the list of " + name}, nil
		}
	})
}

// unreadable reports a list that cannot be read; that a view cannot be asked it
// passes on.
func (a *audit) unreadable(stream eventstream.StreamID, name string, err error) error {
	if err == nil || a.fatalRow(err) {
		return err
	}
	a.reporter.add(Finding{Part: Lists, Stream: stream, What: "the list of " + name + " cannot be read"})
	return nil
}

// walk goes over a list page by page.
func walk[E any](ctx context.Context, page func(uuid.UUID, int) ([]E, error), id func(*E) uuid.UUID, visit func(id uuid.UUID, inOrder bool) error) error {
	after := uuid.Nil
	for {
		items, err := page(after, pageSize)
		if err != nil || len(items) == 0 {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		before := after
		for i := range items {
			next := id(&items[i])
			if err := visit(next, bytes.Compare(before[:], next[:]) < 0); err != nil {
				return err
			}
			before = next
		}
		if bytes.Compare(before[:], after[:]) <= 0 || len(items) < pageSize {
			return nil
		}
		after = before
	}
}

// starts tells whether the list that begins at an id begins with it.
func starts[E any](page func(uuid.UUID, int) ([]E, error), id func(*E) uuid.UUID, wanted uuid.UUID) (bool, error) {
	after := wanted
	for i := len(after) - 1; i >= 0; i-- {
		after[i]--
		if after[i] != 0xff {
			break
		}
	}
	items, err := page(after, 1)
	return len(items) > 0 && id(&items[0]) == wanted, err
}
