package audit

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/queries"
)

// Describing is a view that gives the documents that search indexes are filled
// with.
type Describing interface {
	// Document is what an index should hold of an entity; revision 0 says that the
	// view does not know it.
	Document(ctx context.Context, kind domain.MemberKind, id uuid.UUID) (queries.Document, error)
}

// compareDocuments demands that every search index holds what the view makes of
// each entity, in the revision that it has there, and nothing else.
func (a *audit) compareDocuments(ctx context.Context) error {
	for _, name := range slices.Sorted(maps.Keys(a.subject.Indexes)) {
		view, is := a.subject.Makes[name]
		if !is {
			if view, is = a.subject.View.(Describing); !is {
				continue
			}
		}
		c := &inventory{audit: a, name: name, view: view, index: a.subject.Indexes[name], held: map[uuid.UUID]struct{}{}}
		if err := c.compare(ctx); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// inventory is the comparison of one index.
type inventory struct {
	*audit
	name  string
	view  Describing
	index queries.Inventory
	// held are those of which the index holds a document.
	held map[uuid.UUID]struct{}
}

func (c *inventory) compare(ctx context.Context) error {
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(workers)
	err := c.walk(within, func(held queries.Held) {
		group.Go(func() error { return c.compareHeld(ctx, held) })
	})
	if failed := group.Wait(); failed != nil {
		return failed
	}
	switch {
	case err != nil && (errors.Is(err, eventstream.ErrUnavailable) || ctx.Err() != nil):
		return err
	case err != nil:
		c.reporter.add(Finding{Part: Documents, What: c.name + " cannot be read: it was not made by this build"})
		return nil
	}
	if err := lacking(ctx, c, domain.UserMember, c.users); err != nil {
		return err
	}
	return lacking(ctx, c, domain.GroupMember, c.groups)
}

func (c *inventory) walk(ctx context.Context, visit func(queries.Held)) error {
	done, total := uint64(0), uint64(len(c.users)+len(c.groups))
	for held, err := range c.index.Holdings(ctx) {
		if err != nil {
			return err
		}
		if done++; done%progressEvery == 0 {
			c.progress("documents of "+c.name, done, max(done, total))
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		c.held[held.ID] = struct{}{}
		if held.Kind == "" {
			held.Kind = c.kindOf(held.ID)
		}
		visit(held)
	}
	return nil
}

func (c *inventory) kindOf(id uuid.UUID) domain.MemberKind {
	if _, is := c.groups[id]; is {
		return domain.GroupMember
	}
	return domain.UserMember
}

// compareHeld compares a document that was met, and looks again later if it is not
// as it should be: it may be on its way.
func (c *inventory) compareHeld(ctx context.Context, held queries.Held) error {
	c.documents.Add(1)
	found, err := c.difference(ctx, &held)
	if found != nil || err != nil && !c.fatalRow(err) {
		c.later(ctx, held.Kind, held.ID)
		return nil
	}
	return err
}

// later looks at an entity's document when everything else was looked at.
func (c *inventory) later(ctx context.Context, kind domain.MemberKind, id uuid.UUID) {
	c.doubts.add(func() ([]Finding, error) {
		held, err := c.index.Holding(ctx, kind, id)
		if err != nil {
			return nil, err
		}
		held.ID, held.Kind = id, kind
		found, err := c.difference(ctx, &held)
		switch {
		case err != nil && c.fatalRow(err):
			return nil, err
		case err != nil:
			return nil, nil // of a row that cannot be read, which is a finding of its own
		case found == nil:
			return nil, nil
		}
		return []Finding{*found}, nil
	})
}

// difference tells how what is held differs from what the view makes.
func (c *inventory) difference(ctx context.Context, held *queries.Held) (*Finding, error) {
	document, err := c.view.Document(ctx, held.Kind, held.ID)
	if err != nil {
		return nil, err
	}
	must, err := c.index.Made(&document)
	if err != nil {
		return nil, err
	}
	what := ""
	switch {
	case must.Revision == 0 && (held.Revision == 0 || held.Removed), must.Removed && held.Revision == 0:
		return nil, nil // nothing is there that could be found
	case must.Revision == 0:
		what = "holds a document of it, but the view does not know it"
	case held.Revision == 0:
		what = fmt.Sprintf("holds no document of it, the view has revision %d", must.Revision)
	case held.Revision < must.Revision:
		what = fmt.Sprintf("holds revision %d of its document, the view has %d", held.Revision, must.Revision)
	case held.Removed != must.Removed:
		what = fmt.Sprintf("holds its document as removed=%t at revision %d, the view as removed=%t", held.Removed, held.Revision, must.Removed)
	case held.Revision > must.Revision:
		what = fmt.Sprintf("holds revision %d of its document, which is ahead of the view, at %d", held.Revision, must.Revision)
	default:
		fields := c.unlike(held.Sums, must.Sums)
		if len(fields) == 0 {
			return nil, nil
		}
		what = fmt.Sprintf("holds a document, at revision %d, that differs from what the view makes: %s", held.Revision, strings.Join(fields, ", "))
	}
	return &Finding{Part: Documents, Stream: streamOf(held.Kind, held.ID), What: c.name + " " + what}, nil
}

// unlike names the fields whose sums are not the same.
func (c *inventory) unlike(some, others []uint64) (fields []string) {
	for i, field := range c.index.Fields() {
		if i >= len(some) || i >= len(others) || some[i] != others[i] {
			if len(some) > 0 || len(others) > 0 {
				fields = append(fields, field)
			}
		}
	}
	return fields
}

func streamOf(kind domain.MemberKind, id uuid.UUID) eventstream.StreamID {
	if kind == domain.GroupMember {
		return eventstream.GroupStream(id)
	}
	return eventstream.UserStream(id)
}

// lacking looks at entities of which the index holds nothing.
func lacking(ctx context.Context, c *inventory, kind domain.MemberKind, entities map[uuid.UUID]entity) error {
	return each(ctx, c.audit, "documents of "+c.name, entities, func(id uuid.UUID, e entity) error {
		if _, held := c.held[id]; !held && e.lives() {
			c.later(ctx, kind, id)
		}
		return nil
	})
}
