package memsearch

import (
	"context"
	"fmt"
	"iter"
	"sync/atomic"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/queries"
)

// Options are how an Index is set up. The zero Options are good.
type Options struct {
	// Buffer is how many documents are kept unsorted before they are indexed; 0 is
	// the default, 1,024. Searches look at each of them.
	Buffer int
	// Source names what the documents are made from, such as the epoch of the store:
	// a snapshot of another source is not loaded.
	Source string
	// Documents names what makes the documents, in the shape they have now: a
	// snapshot of documents of another shape is not loaded.
	Documents string
	// Name begins the names of snapshots; search if empty. Two indexes that are kept
	// in one directory have different ones.
	Name string
}

const defaultBuffer = 1024

// Index is a search index in memory. Its methods may be called concurrently.
type Index struct {
	source  string
	name    string
	shelves map[domain.MemberKind]*shelf
	applied atomic.Uint64
}

var _ queries.Search = (*Index)(nil)

// New makes an empty index.
func New(o Options) *Index {
	if o.Buffer <= 0 {
		o.Buffer = defaultBuffer
	}
	if o.Name == "" {
		o.Name = snapshotName
	}
	return &Index{source: o.Source + ", " + o.Documents, name: o.Name, shelves: map[domain.MemberKind]*shelf{
		domain.UserMember:  newShelf(o.Buffer),
		domain.GroupMember: newShelf(o.Buffer),
	}}
}

// Put takes documents in. Those whose revision is not above the one the index
// has are passed over; removed ones are kept as such. Searches that begin after
// Put returned see the others, those of one kind all at once. It is cheaper for
// many documents at a time. When there is more to index than Run keeps up with,
// or nobody runs it, Put does a part of that before it returns. The error is the
// context's, or domain.Invalid for a document of no kind; putting the documents
// again does no harm. While nobody runs the index, it is filled faster, and searched
// slower; fastest by Bulk documents at a time.
func (x *Index) Put(ctx context.Context, documents []queries.Document) error {
	versions := map[domain.MemberKind][]*version{}
	for i := range documents {
		d := &documents[i]
		if x.shelves[d.Kind] == nil {
			return fmt.Errorf("index a document: %w: of no kind", domain.Invalid)
		}
		versions[d.Kind] = append(versions[d.Kind], newVersion(d))
	}
	for kind, versions := range versions {
		if err := x.shelves[kind].put(ctx, versions); err != nil {
			return fmt.Errorf("index documents: %w", err)
		}
	}
	return nil
}

// Search implements queries.Search. It sees what was put before it began, and
// nothing of what is put meanwhile. A search for more than words.MaxTyped words,
// of no kind, in no order or for fewer than one result is domain.Invalid.
func (x *Index) Search(ctx context.Context, criteria queries.Criteria, from []byte, limit int) (queries.Found, error) {
	shelf := x.shelves[criteria.Kind]
	if shelf == nil || limit < 1 {
		return queries.Found{}, domain.Refuse(domain.Invalid, "", "a search is for users or groups, at least one")
	}
	q, err := newQuery(&criteria, from)
	if err != nil || q.nothing {
		return queries.Found{}, err
	}
	hits, err := shelf.search(ctx, q, limit+1)
	if err != nil {
		return queries.Found{}, fmt.Errorf("search: %w", err)
	}
	var found queries.Found
	if len(hits) > limit {
		hits = hits[:limit]
		found.Next = q.encode(hits[limit-1])
	}
	found.IDs = make([]uuid.UUID, len(hits))
	for i, h := range hits {
		found.IDs[i] = h.id
	}
	return found, nil
}

// Applied is the last position that was set.
func (x *Index) Applied() uint64 { return x.applied.Load() }

// SetApplied says that everything up to a position of the log was put. It never
// goes back.
func (x *Index) SetApplied(position uint64) {
	for {
		old := x.applied.Load()
		if position <= old || x.applied.CompareAndSwap(old, position) {
			return
		}
	}
}

// Position implements queries.Search: the position of the log up to which
// everything was put.
func (x *Index) Position(context.Context) (eventstream.Token, error) {
	position := x.Applied()
	if position == 0 {
		return nil, nil
	}
	return eventstream.NewToken(eventstream.Position{Stream: eventstream.LogStream, Seq: eventstream.Seq(position)}), nil
}

// Revisions gives the revision of every document of a kind that the index has,
// removed ones too, in no order.
func (x *Index) Revisions(kind domain.MemberKind) iter.Seq2[uuid.UUID, uint64] {
	return x.shelves[kind].state.Load().revisions
}

// Run indexes in the background what was put, until ctx ends. Without it Put
// takes its time; it must not run twice at once.
func (x *Index) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, shelf := range x.shelves {
		shelf.kept.Store(true)
		defer shelf.kept.Store(false)
		for kind := range shelf.due {
			group.Go(func() error { return shelf.keep(ctx, kind) })
		}
	}
	return group.Wait()
}

// Stats are figures of an index.
type Stats struct {
	Documents int // present
	Removed   int // kept so that they cannot come back
	Buffered  int // not yet in a segment
	Segments  int
	Garbage   int // versions in segments that newer ones have replaced
	Bytes     int // of the segments' memory
}

// Stats counts what is in the index.
func (x *Index) Stats() Stats {
	var all Stats
	for _, shelf := range x.shelves {
		st := shelf.state.Load()
		all.Documents += st.documents
		all.Removed += st.removed
		all.Segments += len(st.segments)
		for _, segment := range st.segments {
			all.Garbage += int(segment.garbage.Load())
			all.Bytes += segment.size.bytes()
		}
		for range st.buffered {
			all.Buffered++
		}
	}
	return all
}
