package queries

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
)

// Users finds the users that meet the criteria; the zero Criteria lists all of
// them by id, from the view and without search. The criteria's kind is set here.
//
// A cursor brings its criteria with it: those given beside it must be zero or
// the same. Users that went away since they were indexed are left out, so a page
// may be shorter than its limit; only an empty Next says that it is the last.
func (r *Reader) Users(ctx context.Context, criteria Criteria, listing Listing, fresh Freshness) (Page[domain.User], error) {
	r = r.answering()
	criteria.Kind = domain.UserMember
	return find(ctx, r, finding[domain.User]{
		criteria: criteria,
		after:    r.usersAfter,
		id:       func(user domain.User) uuid.UUID { return user.ID.UUID },
		row: func(ctx context.Context, id uuid.UUID) (domain.User, bool, error) {
			user, err := r.config.View.User(ctx, domain.UserID{UUID: id})
			return user, user.Exists(), err
		},
	}, listing, fresh)
}

// Groups finds the groups that meet the criteria, as Users does users.
func (r *Reader) Groups(ctx context.Context, criteria Criteria, listing Listing, fresh Freshness) (Page[domain.Group], error) {
	r = r.answering()
	criteria.Kind = domain.GroupMember
	return find(ctx, r, finding[domain.Group]{
		criteria: criteria,
		after:    r.groupsAfter,
		id:       func(group domain.Group) uuid.UUID { return group.ID.UUID },
		row: func(ctx context.Context, id uuid.UUID) (domain.Group, bool, error) {
			group, err := r.config.View.Group(ctx, domain.GroupID{UUID: id})
			return group, group.Exists(), err
		},
	}, listing, fresh)
}

// finding is what to find, and how its kind of entity is read from the view.
type finding[T any] struct {
	criteria Criteria
	after    func(ctx context.Context, after uuid.UUID, limit int) ([]T, error)
	id       func(T) uuid.UUID
	row      func(ctx context.Context, id uuid.UUID) (T, bool, error)
}

func find[T any](ctx context.Context, r *Reader, what finding[T], listing Listing, fresh Freshness) (Page[T], error) {
	ctx, span := r.config.Tracer.Start(ctx, "queries.Find")
	defer span.End()
	limit, err := listing.limit()
	if err != nil {
		return Page[T]{}, err
	}
	if err := what.criteria.check(); err != nil {
		return Page[T]{}, err
	}
	at := place{Criteria: what.criteria.ordered()}
	if listing.Cursor != "" {
		if at, err = r.cursors.openPlace(what.criteria, listing.Cursor); err != nil {
			return Page[T]{}, err
		}
	}
	if listing.After != (uuid.UUID{}) {
		if listing.Cursor != "" || !at.Criteria.listsAll() {
			return Page[T]{}, domain.RefuseField("after", "is for a list of all, by id and without a cursor")
		}
		at.From = listing.After[:]
	}
	if at.Criteria.listsAll() {
		return list(ctx, r, what, at, limit, fresh)
	}
	return search(ctx, r, what, at, limit, fresh)
}

// list reads a page of everything from the view.
func list[T any](ctx context.Context, r *Reader, what finding[T], at place, limit int, fresh Freshness) (Page[T], error) {
	var after uuid.UUID
	if at.From != nil {
		if len(at.From) != len(after) {
			return Page[T]{}, badCursor()
		}
		after = uuid.UUID(at.From)
	}
	restsOn, err := r.rows(ctx, fresh)
	if err != nil {
		return Page[T]{}, err
	}
	items, err := what.after(ctx, after, limit+1)
	if err != nil {
		return Page[T]{}, err
	}
	page := Page[T]{Items: items, RestsOn: restsOn}
	if len(items) > limit {
		page.Items = items[:limit]
		last := what.id(items[limit-1])
		at.From = last[:]
		page.Next, err = r.cursors.sealPlace(at)
	}
	return page, err
}

// search asks the index for a page, and the view for its rows.
func search[T any](ctx context.Context, r *Reader, what finding[T], at place, limit int, fresh Freshness) (Page[T], error) {
	if r.config.Search == nil {
		return Page[T]{}, ErrSearchOff
	}
	if err := r.forceList(ctx, r.config.SearchWaiter, fresh, DefaultSearchWait); err != nil {
		return Page[T]{}, err
	}
	restsOn, err := r.config.Search.Position(ctx)
	if err != nil {
		return Page[T]{}, fmt.Errorf("read the index's position: %w", err)
	}
	page := Page[T]{RestsOn: restsOn}
	nothing, err := r.inNoGroup(ctx, at.Criteria.Group)
	if err != nil || nothing {
		return page, err
	}
	found, err := r.config.Search.Search(ctx, at.Criteria, at.From, limit)
	if at.From != nil && errors.Is(err, domain.Invalid) {
		return Page[T]{}, badCursor()
	}
	if err != nil {
		return Page[T]{}, fmt.Errorf("search: %w", err)
	}
	if page.Items, err = what.rows(ctx, found.IDs); err != nil {
		return Page[T]{}, err
	}
	if found.Next != nil {
		at.From = found.Next
		page.Next, err = r.cursors.sealPlace(at)
	}
	return page, err
}

// inNoGroup tells whether the criteria's group is one that does not exist.
func (r *Reader) inNoGroup(ctx context.Context, group domain.GroupID) (bool, error) {
	if group.IsZero() {
		return false, nil
	}
	err := r.needGroup(ctx, group)
	if errors.Is(err, domain.NotFound) {
		return true, nil
	}
	return false, err
}

// rows reads the rows of those found that still exist.
func (what finding[T]) rows(ctx context.Context, ids []uuid.UUID) ([]T, error) {
	items := make([]T, 0, len(ids))
	for _, id := range ids {
		item, exists, err := what.row(ctx, id)
		if err != nil {
			return nil, fmt.Errorf("read the row of an entity that was found: %w", err)
		}
		if exists {
			items = append(items, item)
		}
	}
	return items, nil
}
