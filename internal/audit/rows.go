package audit

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"maps"
	"slices"
	"strconv"
	"strings"

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
	return atOnce(ctx, a, "rows of users", a.users, func(ctx context.Context, id uuid.UUID, e entity) error {
		read := func() (domain.User, error) { return a.subject.View.User(ctx, domain.UserID{UUID: id}) }
		row, err := read()
		if err == nil && (e.broken || maphash.Bytes(digestSeed, canonicalUser(&row)) == e.digest) {
			a.rows.Add(1)
			return nil
		}
		return a.settleRow(ctx, eventstream.UserStream(id), err, rowReader(userFields, read), foldReader(userFields, func(upTo uint64) (domain.User, error) {
			return a.foldUser(ctx, id, upTo)
		}))
	})
}

func (a *audit) compareGroupRows(ctx context.Context) error {
	return atOnce(ctx, a, "rows of groups", a.groups, func(ctx context.Context, id uuid.UUID, e entity) error {
		read := func() (domain.Group, error) { return a.subject.View.Group(ctx, domain.GroupID{UUID: id}) }
		row, err := read()
		if err == nil && (e.broken || maphash.Bytes(digestSeed, canonicalGroup(&row)) == e.digest) {
			a.rows.Add(1)
			return nil
		}
		return a.settleRow(ctx, eventstream.GroupStream(id), err, rowReader(groupFields, read), foldReader(groupFields, func(upTo uint64) (domain.Group, error) {
			return a.foldGroup(ctx, id, upTo)
		}))
	})
}

func (a *audit) compareEdgeRows(ctx context.Context) error {
	return atOnce(ctx, a, "rows of memberships", a.edges, func(ctx context.Context, key edgeKey, e edge) error {
		read := func() (domain.Membership, error) {
			return a.subject.View.Membership(ctx, domain.GroupID{UUID: key.group()}, key.member())
		}
		row, err := read()
		if err == nil && (e.broken || row == a.row(key, e)) {
			a.rows.Add(1)
			return nil
		}
		return a.settleRow(ctx, key.stream(), err, rowReader(membershipFields, read), foldReader(membershipFields, func(upTo uint64) (domain.Membership, error) {
			return a.foldMembership(ctx, key, upTo)
		}))
	})
}

func (a *audit) compareKeyRows(ctx context.Context) error {
	return atOnce(ctx, a, "rows of keys", a.keys, func(ctx context.Context, id uuid.UUID, folded *domain.APIKey) error {
		read := func() (domain.APIKey, error) { return a.subject.View.Key(ctx, folded.ID) }
		row, err := read()
		if err == nil && maps.Equal(keyFields(&row), keyFields(folded)) {
			a.rows.Add(1)
			return nil
		}
		return a.settleRow(ctx, eventstream.KeyStream(id), err, rowReader(keyFields, read), foldReader(keyFields, func(upTo uint64) (domain.APIKey, error) {
			return a.foldKey(ctx, id, upTo)
		}))
	})
}

// rowReader gives the fields of an entity's row, foldReader those of the fold of
// its stream up to a commit.
func rowReader[E any](of func(*E) fields, read func() (E, error)) func() (fields, error) {
	return func() (fields, error) {
		entity, err := read()
		return of(&entity), err
	}
}

func foldReader[E any](of func(*E) fields, fold func(uint64) (E, error)) func(uint64) (fields, error) {
	return func(upTo uint64) (fields, error) {
		entity, err := fold(upTo)
		return of(&entity), err
	}
}

// settleRow looks once more at a row that differs or could not be read, against
// what the store has now, and reports what differs.
func (a *audit) settleRow(ctx context.Context, stream eventstream.StreamID, err error, row func() (fields, error), fold func(upTo uint64) (fields, error)) error {
	if err != nil && a.fatalRow(err) {
		return err
	}
	a.rows.Add(1)
	compare := comparison{a: a, stream: stream, row: row, fold: fold}
	return a.settle(ctx, func() (*Finding, error) { return compare.look(ctx) })
}

// fatalRow tells whether a view cannot be asked. That it cannot read a row is a
// finding on a scan; a log's views have none that they could not.
func (a *audit) fatalRow(err error) bool {
	return a.log != nil || errors.Is(err, eventstream.ErrUnavailable) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// comparison is of a row with the fold of its stream.
type comparison struct {
	a      *audit
	stream eventstream.StreamID
	row    func() (fields, error)
	fold   func(upTo uint64) (fields, error)
	// head is where the stream was when it was first looked at.
	head eventstream.Seq
}

func (c *comparison) look(ctx context.Context) (*Finding, error) {
	if c.a.log != nil {
		made, err := c.fold(newest)
		return c.compare(made, err)
	}
	if c.head == 0 {
		last, err := c.a.lastOf(ctx, c.stream)
		if err != nil {
			return nil, err
		}
		c.head = last.Seq
	}
	kept, err := c.row()
	switch {
	case err != nil && c.a.fatalRow(err):
		return nil, err
	case err != nil:
		return &Finding{Part: Rows, Stream: c.stream, What: "the view's row cannot be read"}, nil
	}
	at, _ := strconv.ParseUint(kept["seq"], 10, 64) // it was written by number
	if eventstream.Seq(at) < c.head {
		return &Finding{Part: Rows, Stream: c.stream, What: fmt.Sprintf("the view's row is at %d, the stream at %d", at, c.head)}, nil
	}
	made, err := c.fold(at)
	return c.compare(made, err)
}

// compare compares the row as it is now with a fold.
func (c *comparison) compare(made fields, err error) (*Finding, error) {
	switch {
	case err != nil && fatal(err):
		return nil, err
	case err != nil:
		return &Finding{Part: Streams, Stream: c.stream, What: "cannot be folded: " + err.Error()}, nil
	}
	kept, err := c.row()
	if err != nil {
		return nil, err
	}
	different := kept.unlike(made)
	if len(different) == 0 {
		return nil, nil
	}
	return &Finding{Part: Rows, Stream: c.stream, What: fmt.Sprintf("the view's row, at %s, differs from the fold of the stream, at %s: %s",
		kept["seq"], made["seq"], strings.Join(different, ", "))}, nil
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
