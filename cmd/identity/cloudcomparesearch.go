package main

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/queries"
	"github.com/seed5b6a70b4/identity/queries/elasticview"
	"github.com/seed5b6a70b4/identity/sync/generations"
)

// searchComparison compares an index with the rows that it is made of.
type searchComparison struct {
	*documents
	came generations.Comparison
	did  func(uint64)
	pace func(context.Context, int) error
}

// comparePatience is how long a document is waited for that the index does not
// have as the rows make it.
const comparePatience = 30 * time.Second

// mostDifferences is how many differences are told of by name.
const mostDifferences = 100

// compare compares all documents of a kind that there are when it gets to them. Both
// sides are read by id, and what is not the same is looked at again.
func (c *searchComparison) compare(ctx context.Context, kind domain.MemberKind) error {
	doubts, err := c.doubtful(ctx, kind)
	if err != nil {
		return err
	}
	for some := range slices.Chunk(doubts, filledAtOnce) {
		if err := c.settle(ctx, kind, some); err != nil {
			return err
		}
	}
	return nil
}

// doubtful names the documents that are not the same, or are on one side only.
func (c *searchComparison) doubtful(ctx context.Context, kind domain.MemberKind) (doubts []uuid.UUID, err error) {
	rows := &pages[queries.Document]{
		size: filledAtOnce, id: func(d *queries.Document) uuid.UUID { return d.ID },
		read: func(after uuid.UUID, limit int) ([]queries.Document, error) { return c.made(ctx, kind, after, limit) },
	}
	found := &pages[elasticview.Entry]{
		size: 2 * filledAtOnce, id: func(e *elasticview.Entry) uuid.UUID { return e.ID },
		read: func(after uuid.UUID, limit int) ([]elasticview.Entry, error) {
			return c.index.Entries(ctx, kind, after, limit)
		},
	}
	for {
		row, err := rows.peek()
		if err != nil {
			return nil, err
		}
		entry, err := found.peek()
		switch {
		case err != nil:
			return nil, err
		case row == nil && entry == nil:
			return doubts, nil
		case entry == nil || row != nil && row.ID.String() < entry.ID.String():
			doubts = append(doubts, row.ID)
			rows.next()
		case row == nil || entry.ID.String() < row.ID.String():
			doubts = append(doubts, entry.ID)
			found.next()
		default:
			digest, err := elasticview.Digest(row)
			if err != nil {
				return nil, err
			}
			if digest != entry.Digest {
				doubts = append(doubts, row.ID)
			}
			rows.next()
			found.next()
			c.came.Compared++
			c.did(1)
		}
	}
}

// made gives the documents that the rows make now, of the first after an id.
func (c *searchComparison) made(ctx context.Context, kind domain.MemberKind, after uuid.UUID, limit int) ([]queries.Document, error) {
	ids, err := idsAfter(ctx, c.view, kind, after, limit)
	if err != nil {
		return nil, err
	}
	if err := c.pace(ctx, len(ids)); err != nil {
		return nil, err
	}
	return c.makeAll(ctx, kind, ids)
}

// makeAll gives the documents that the rows make now.
func (c *searchComparison) makeAll(ctx context.Context, kind domain.MemberKind, ids []uuid.UUID) ([]queries.Document, error) {
	made := make([]queries.Document, len(ids))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(documentsAtOnce)
	for i, id := range ids {
		group.Go(func() (err error) {
			made[i], err = c.Document(ctx, kind, id)
			made[i].ID = id
			return err
		})
	}
	return made, group.Wait()
}

// settle looks at some documents until the index has each as the rows make it, or
// has another of the same revision.
func (c *searchComparison) settle(ctx context.Context, kind domain.MemberKind, ids []uuid.UUID) error {
	began := time.Now()
	for attempt := 1; ; attempt++ {
		if err := c.index.Refresh(ctx); err != nil {
			return err
		}
		differing, err := c.differing(ctx, kind, ids)
		if err != nil {
			return err
		}
		ids = ids[:0:0]
		for id, how := range differing {
			if how.late && time.Since(began) < comparePatience || attempt == 1 {
				ids = append(ids, id)
				continue
			}
			c.came.Differing++
			if len(c.came.Differences) < mostDifferences {
				c.came.Differences = append(c.came.Differences, generations.Difference{Stream: string(entityStream(kind, id)), Seq: how.revision, Fields: []string{how.what}})
			}
		}
		if len(ids) == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(changesPoll):
		}
	}
}

// unlike is how the index has a document otherwise than it is made.
type unlike struct {
	what     string
	revision uint64
	late     bool // it may come right yet
}

// differing tells which of the documents the index has otherwise than they are made.
func (c *searchComparison) differing(ctx context.Context, kind domain.MemberKind, ids []uuid.UUID) (map[uuid.UUID]unlike, error) {
	made, err := c.makeAll(ctx, kind, ids)
	if err != nil {
		return nil, err
	}
	found, err := c.index.EntriesOf(ctx, kind, ids)
	if err != nil {
		return nil, err
	}
	entries := make(map[uuid.UUID][]elasticview.Entry, len(found))
	for _, entry := range found {
		entries[entry.ID] = append(entries[entry.ID], entry)
	}
	differing := map[uuid.UUID]unlike{}
	for i := range made {
		what, late, err := unlikeEntry(&made[i], entries[ids[i]])
		if err != nil {
			return nil, err
		}
		if what != "" {
			differing[ids[i]] = unlike{what, made[i].Revision, late}
		}
	}
	return differing, nil
}

// unlikeEntry tells how the index has a document otherwise than it is made, and
// whether that may come right yet.
func unlikeEntry(made *queries.Document, entries []elasticview.Entry) (differs string, late bool, err error) {
	exists := made.Revision > 0 && !made.Removed
	switch {
	case !exists && len(entries) == 0:
		return "", false, nil
	case !exists:
		return "removed", true, nil
	case len(entries) == 0:
		return "missing", true, nil
	}
	digest, err := elasticview.Digest(made)
	if err != nil || digest == entries[0].Digest {
		return "", false, err
	}
	return "content", entries[0].Revision != made.Revision, nil
}

// pages reads something page by page, by id, up to the first page that is not full:
// what comes behind it meanwhile is not run after.
type pages[T any] struct {
	read func(after uuid.UUID, limit int) ([]T, error)
	id   func(*T) uuid.UUID
	size int
	page []T
	last uuid.UUID
	done bool
}

// peek is the next one, nil after the last.
func (p *pages[T]) peek() (*T, error) {
	if len(p.page) == 0 && !p.done {
		page, err := p.read(p.last, p.size)
		if err != nil {
			return nil, err
		}
		p.page, p.done = page, len(page) < p.size
		if len(page) > 0 {
			p.last = p.id(&page[len(page)-1])
		}
	}
	if len(p.page) == 0 {
		return nil, nil
	}
	return &p.page[0], nil
}

func (p *pages[T]) next() { p.page = p.page[1:] }
