package main

import (
	"context"
	"runtime"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/queries"
	"github.com/seed5b6a70b4/identity/queries/memsearch"
	"github.com/seed5b6a70b4/identity/queries/memview"
	querysync "github.com/seed5b6a70b4/identity/sync"
)

// searcher keeps the search index behind the view: what changes in the view is
// forwarded to the index.
type searcher struct {
	number    uint64
	name      string
	index     *memsearch.Index
	view      *memview.View
	describe  describing
	forwarder *entityForwarder
	tasks     []*task
	// filled, if set, is told of how many documents were put while it is filled.
	filled func(documents int)
}

// describing makes what the index knows of a user or group. Its shape is named
// otherwise whenever documents hold something else, so that no snapshot of others
// is taken for them.
type describing struct {
	shape string
	of    func(ctx context.Context, view *memview.View, entity memview.Entity) (queries.Document, error)
}

var standardDocument = describing{"1", func(ctx context.Context, view *memview.View, entity memview.Entity) (queries.Document, error) {
	return view.Document(ctx, entity.Kind, entity.ID)
}}

// newSearcher makes an index of rows that the synchroniser follows.
func (b *embedded) newSearcher(of *rows, number uint64, metrics prometheus.Registerer) (*searcher, error) {
	s := &searcher{number: number, name: generationName(searchName, number), view: of.view, describe: b.describe}
	s.index = memsearch.New(memsearch.Options{
		Name: generationName(searchFile, number), Source: b.directory.Epoch.String(), Documents: s.describe.shape,
	})
	var err error
	s.forwarder, err = querysync.NewForwarder(b.synchroniser, of.view, querysync.ForwarderOptions[memview.Entity]{
		Name: s.name, Push: s.push, Touches: s.touches, Logger: b.settings.log, Metrics: metrics,
	})
	return s, err
}

// Document is what the index should know of an entity. It implements
// audit.Describing.
func (s *searcher) Document(ctx context.Context, kind domain.MemberKind, id uuid.UUID) (queries.Document, error) {
	return s.describe.of(ctx, s.view, memview.Entity{Kind: kind, ID: id})
}

// push puts into the index what the view shows of the entities.
func (s *searcher) push(ctx context.Context, entities []memview.Entity) error {
	documents := make([]queries.Document, 0, len(entities))
	for _, entity := range entities {
		document, err := s.describe.of(ctx, s.view, entity)
		if err != nil {
			return err
		}
		if document.Revision > 0 {
			documents = append(documents, document)
		}
	}
	return s.index.Put(ctx, documents)
}

// touches names the entity whose document a commit of the stream may change. A
// membership is part of its member's document.
func (s *searcher) touches(ctx context.Context, stream eventstream.StreamID) ([]memview.Entity, error) {
	ids := stream.UUIDs()
	switch stream.Kind() {
	case eventstream.UserKind:
		return []memview.Entity{{Kind: domain.UserMember, ID: ids[0]}}, nil
	case eventstream.GroupKind:
		return []memview.Entity{{Kind: domain.GroupMember, ID: ids[0]}}, nil
	case eventstream.MemberKind:
		edge, err := s.view.Membership(ctx, domain.GroupID{UUID: ids[0]}, ids[1])
		if err != nil || edge.Seq == 0 {
			return nil, err // the view will tell of it
		}
		return []memview.Entity{{Kind: edge.Kind, ID: ids[1]}}, err
	}
	return nil, nil
}

// catchUp brings the index to where the view is. What its snapshot lacks is found
// by comparing revisions: not every change of the view has a place in the log.
func (s *searcher) catchUp(ctx context.Context, log eventstream.Log, progress func(done, total uint64)) error {
	at := s.view.Applied()
	if err := s.fill(ctx); err != nil {
		return err
	}
	return s.forwarder.CatchUp(ctx, log, at, progress)
}

// fillBatch is how many documents are put at a time by fill.
const fillBatch = memsearch.Bulk

// fill puts everything in which the view is ahead of the index.
func (s *searcher) fill(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	batches := make(chan []memview.Entity, runtime.GOMAXPROCS(0))
	group.Go(func() error {
		defer close(batches)
		for _, kind := range []domain.MemberKind{domain.UserMember, domain.GroupMember} {
			if err := s.hand(ctx, kind, batches); err != nil {
				return err
			}
		}
		return nil
	})
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() error {
			for batch := range batches {
				if err := s.push(ctx, batch); err != nil {
					return err
				}
				if s.filled != nil {
					s.filled(len(batch))
				}
			}
			return nil
		})
	}
	return group.Wait()
}

func (s *searcher) hand(ctx context.Context, kind domain.MemberKind, to chan<- []memview.Entity) error {
	var batch []memview.Entity
	send := func() error {
		select {
		case to <- batch:
			batch = nil
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for entity := range s.view.Ahead(kind, s.index.Revisions(kind)) {
		if batch = append(batch, entity); len(batch) == fillBatch {
			if err := send(); err != nil {
				return err
			}
		}
	}
	return send()
}

// save writes a snapshot of the index. What it holds is at least what had been
// forwarded by now.
func (s *searcher) save(dir string) error {
	s.index.SetApplied(s.forwarder.Applied())
	return s.index.Save(dir)
}

// Search implements queries.Search.
func (s *searcher) Search(ctx context.Context, criteria queries.Criteria, from []byte, limit int) (queries.Found, error) {
	return s.index.Search(ctx, criteria, from, limit)
}

// Position implements queries.Search: up to where the view was forwarded.
func (s *searcher) Position(context.Context) (eventstream.Token, error) {
	position := s.forwarder.Applied()
	if position == 0 {
		return nil, nil
	}
	return eventstream.Token{{Stream: eventstream.LogStream, Seq: eventstream.Seq(position)}}, nil
}

// reindex makes a snapshot of an index of all that the view shows, where none is
// kept.
func (b *embedded) reindex(ctx context.Context) error {
	of := b.answering.Load().rows
	made, err := b.newSearcher(of, b.searchNumber, nil)
	if err != nil {
		return err
	}
	position := of.view.Applied()
	if err := made.fill(ctx); err != nil {
		return err
	}
	made.index.SetApplied(position)
	return made.index.Save(b.data.snapshots())
}
