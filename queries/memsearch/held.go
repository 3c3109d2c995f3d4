package memsearch

import (
	"context"
	"fmt"
	"hash/maphash"
	"iter"
	"math"
	"runtime"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/queries"
)

var _ queries.Inventory = (*Index)(nil)

// heldFields are what the sums of a document stand for: the words it is found by,
// the three orders, and what filters ask for.
var heldFields = []string{"words", "name", "username", "created", "active, groups or attributes"}

var heldSeed = maphash.MakeSeed()

// Fields implements queries.Inventory.
func (x *Index) Fields() []string { return heldFields }

// Made implements queries.Inventory.
func (x *Index) Made(document *queries.Document) (queries.Held, error) {
	return newVersion(document).held(document.Kind), nil
}

func (v *version) held(kind domain.MemberKind) queries.Held {
	held := queries.Held{Kind: kind, ID: v.id, Revision: v.revision, Removed: v.removed}
	if v.removed {
		return held
	}
	var terms, labels uint64
	for _, term := range v.terms {
		terms += maphash.String(heldSeed, term)
	}
	for _, l := range v.labels {
		labels += maphash.Bytes(heldSeed, l[:])
	}
	held.Sums = []uint64{terms, maphash.String(heldSeed, v.nameKey), maphash.String(heldSeed, v.username), uint64(v.created), labels}
	return held
}

// Holdings implements queries.Inventory.
func (x *Index) Holdings(ctx context.Context) iter.Seq2[queries.Held, error] {
	return func(yield func(queries.Held, error) bool) {
		for kind, shelf := range x.shelves {
			st := shelf.state.Load()
			for held := range st.holdings(kind) {
				if !yield(held, nil) {
					return
				}
			}
			if err := ctx.Err(); err != nil {
				yield(queries.Held{}, err)
				return
			}
		}
	}
}

func (s *state) holdings(kind domain.MemberKind) iter.Seq[queries.Held] {
	return func(yield func(queries.Held) bool) {
		defer runtime.KeepAlive(s)
		for _, segment := range s.segments {
			labels := segment.labelSums()
			for ordinal := range uint32(segment.documents()) {
				if segment.visible(ordinal, s.at) && !yield(segment.held(kind, ordinal, labels[ordinal])) {
					return
				}
			}
		}
		for v := range s.buffered {
			if v.visible(s.at) && !yield(v.held(kind)) {
				return
			}
		}
	}
}

// labelSums gives for each document the sum of its labels.
func (s *segment) labelSums() []uint64 {
	sums := make([]uint64, s.documents())
	for at := range s.labels {
		sum := maphash.Bytes(heldSeed, s.labels[at][:])
		for _, ordinal := range s.labelled(at).list() {
			sums[ordinal] += sum
		}
	}
	return sums
}

func (s *segment) held(kind domain.MemberKind, ordinal uint32, labels uint64) queries.Held {
	held := queries.Held{Kind: kind, ID: s.ids[ordinal], Revision: s.revisions[ordinal], Removed: s.removed(ordinal)}
	if held.Removed {
		return held
	}
	var terms uint64
	for _, term := range s.termsOf(ordinal) {
		terms += maphash.Bytes(heldSeed, s.terms.term(term))
	}
	username := ""
	if number := s.usernames[ordinal]; number > 0 {
		username = string(s.terms.term(number - 1))
		username = username[:len(username)-1] // the mark
	}
	held.Sums = []uint64{terms, maphash.Bytes(heldSeed, s.nameKey(nil, ordinal)), maphash.String(heldSeed, username), uint64(s.created[ordinal]), labels}
	return held
}

// Holding implements queries.Inventory.
func (x *Index) Holding(_ context.Context, kind domain.MemberKind, id uuid.UUID) (queries.Held, error) {
	shelf := x.shelves[kind]
	if shelf == nil {
		return queries.Held{}, nil
	}
	shelf.mu.Lock()
	defer shelf.mu.Unlock()
	if v, found := shelf.recent[id]; found {
		return v.held(kind), nil
	}
	st := shelf.state.Load()
	defer runtime.KeepAlive(st)
	for _, segment := range st.segments {
		ordinal, found := segment.find(id)
		if !found {
			continue
		}
		var labels uint64
		for at := range segment.labels {
			if segment.labelled(at).holds(ordinal) {
				labels += maphash.Bytes(heldSeed, segment.labels[at][:])
			}
		}
		return segment.held(kind, ordinal, labels), nil
	}
	return queries.Held{}, nil
}

// Replace implements queries.Inventory: also a later revision is replaced.
func (x *Index) Replace(ctx context.Context, documents []queries.Document) error {
	for i := range documents {
		d := &documents[i]
		shelf := x.shelves[d.Kind]
		if shelf == nil {
			return fmt.Errorf("replace a document: %w: of no kind", domain.Invalid)
		}
		if err := shelf.force(ctx, newVersion(d)); err != nil {
			return fmt.Errorf("replace a document: %w", err)
		}
	}
	return nil
}

// force is put of one version, whatever revision is there.
func (s *shelf) force(ctx context.Context, v *version) error {
	s.mu.Lock()
	next := *s.state.Load()
	next.at++
	s.oust(&next, v, math.MaxUint64)
	s.admit(&next, v)
	if len(next.open) >= s.capacity {
		next.seal()
	}
	s.state.Store(&next)
	s.mu.Unlock()
	return s.settle(ctx, lock)
}
