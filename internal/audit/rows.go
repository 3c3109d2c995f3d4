package audit

import (
	"context"
	"fmt"
	"hash/maphash"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// compareRows demands that every row of the view is the fold of its stream.
func (a *audit) compareRows(ctx context.Context) error {
	if a.subject.View == nil {
		return nil
	}
	for _, part := range []func(context.Context) error{a.compareUserRows, a.compareGroupRows, a.compareEdgeRows, a.compareKeyRows} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (a *audit) compareUserRows(ctx context.Context) error {
	return each(ctx, a, "rows of users", a.users, func(id uuid.UUID, e entity) error {
		row, err := a.subject.View.User(ctx, domain.UserID{UUID: id})
		if err != nil || e.broken {
			return err
		}
		a.report.Rows++
		if maphash.Bytes(digestSeed, canonicalUser(&row)) == e.digest {
			return nil
		}
		return a.settleRow(ctx, eventstream.UserStream(id), rowReader(userFields, func() (domain.User, error) {
			return a.subject.View.User(ctx, domain.UserID{UUID: id})
		}), rowReader(userFields, func() (domain.User, error) { return a.foldUser(ctx, id, newest) }))
	})
}

func (a *audit) compareGroupRows(ctx context.Context) error {
	return each(ctx, a, "rows of groups", a.groups, func(id uuid.UUID, e entity) error {
		row, err := a.subject.View.Group(ctx, domain.GroupID{UUID: id})
		if err != nil || e.broken {
			return err
		}
		a.report.Rows++
		if maphash.Bytes(digestSeed, canonicalGroup(&row)) == e.digest {
			return nil
		}
		return a.settleRow(ctx, eventstream.GroupStream(id), rowReader(groupFields, func() (domain.Group, error) {
			return a.subject.View.Group(ctx, domain.GroupID{UUID: id})
		}), rowReader(groupFields, func() (domain.Group, error) { return a.foldGroup(ctx, id, newest) }))
	})
}

func (a *audit) compareEdgeRows(ctx context.Context) error {
	return each(ctx, a, "rows of memberships", a.edges, func(key edgeKey, e edge) error {
		row, err := a.membershipRow(ctx, key)
		if err != nil || e.broken {
			return err
		}
		a.report.Rows++
		if row == a.row(key, e) {
			return nil
		}
		return a.settleRow(ctx, key.stream(), rowReader(membershipFields, func() (domain.Membership, error) {
			return a.membershipRow(ctx, key)
		}), rowReader(membershipFields, func() (domain.Membership, error) { return a.foldMembership(ctx, key) }))
	})
}

func (a *audit) membershipRow(ctx context.Context, key edgeKey) (domain.Membership, error) {
	return a.subject.View.Membership(ctx, domain.GroupID{UUID: key.group()}, key.member())
}

func (a *audit) compareKeyRows(ctx context.Context) error {
	return each(ctx, a, "rows of keys", a.keys, func(id uuid.UUID, folded *domain.APIKey) error {
		row, err := a.subject.View.Key(ctx, folded.ID)
		if err != nil {
			return err
		}
		a.report.Rows++
		if maps.Equal(keyFields(&row), keyFields(folded)) {
			return nil
		}
		return a.settleRow(ctx, eventstream.KeyStream(id), rowReader(keyFields, func() (domain.APIKey, error) {
			return a.subject.View.Key(ctx, folded.ID)
		}), rowReader(keyFields, func() (domain.APIKey, error) { return a.foldKey(ctx, id) }))
	})
}

// rowReader gives an entity's fields.
func rowReader[E any](of func(*E) fields, read func() (E, error)) func() (fields, error) {
	return func() (fields, error) {
		entity, err := read()
		return of(&entity), err
	}
}

// settleRow looks once more at a row that differs, against all that the store
// has now, and reports what differs.
func (a *audit) settleRow(ctx context.Context, stream eventstream.StreamID, row, fold func() (fields, error)) error {
	return a.settle(ctx, func() (what *Finding, err error) {
		made, err := fold()
		switch {
		case err != nil && fatal(err):
			return nil, err
		case err != nil:
			return &Finding{Stream: stream, What: "cannot be folded: " + err.Error()}, nil
		}
		kept, err := row()
		if err != nil {
			return nil, err
		}
		different := kept.unlike(made)
		if len(different) == 0 {
			return nil, nil
		}
		return &Finding{Stream: stream, What: fmt.Sprintf("the view's row, at %s, differs from the fold of the stream, at %s: %s",
			kept["seq"], made["seq"], strings.Join(different, ", "))}, nil
	})
}

// settle reports what look finds. While the store is written to, look may see one
// thing before a write and the other after it: then only what it finds again and
// again is reported.
func (a *audit) settle(ctx context.Context, look func() (*Finding, error)) error {
	const looks, pause = 20, 10 * time.Millisecond
	for range looks {
		found, err := look()
		if err != nil || found == nil {
			return err
		}
		if a.subject.Store.End() == a.report.End {
			a.reporter.add(*found)
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
	found, err := look()
	if err == nil && found != nil {
		a.reporter.add(*found)
	}
	return err
}

// fields are what an entity says, by name.
type fields map[string]string

// unlike names the fields that are not the same, never what they say.
func (f fields) unlike(other fields) []string {
	var names []string
	for name, text := range f {
		if other[name] != text {
			names = append(names, name)
		}
	}
	for name := range other {
		if _, both := f[name]; !both {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
