package queries

import (
	"context"
	"iter"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
)

// Held is a document as a search index holds it, without what it says.
type Held struct {
	// Kind is empty where the index does not keep it, as of what was removed.
	Kind     domain.MemberKind
	ID       uuid.UUID
	Revision uint64
	Removed  bool
	// Sums stand for what the document says, one for each of the Inventory's Fields:
	// they are the same if that is. They hold for this process only, and are none
	// for what was removed.
	Sums []uint64
}

// Inventory is a search index that can be read whole, so that it can be compared
// with the view that it was filled from. Its methods may be called concurrently,
// and while documents are put.
type Inventory interface {
	// Fields names what Held.Sums stand for, in their order.
	Fields() []string
	// Holdings gives every document that the index held when the call began, and
	// perhaps later ones, in no order; removed ones too. An error ends it.
	Holdings(ctx context.Context) iter.Seq2[Held, error]
	// Holding gives what a search that begins now sees of an entity; revision 0 says
	// that there is nothing.
	Holding(ctx context.Context, kind domain.MemberKind, id uuid.UUID) (Held, error)
	// Made gives what an index holds that was given the document.
	Made(document *Document) (Held, error)
	// Replace is Put, but also of documents whose revision the index has, and, where
	// it can do that, of those of which it has a later one. It is for what was altered
	// behind everybody's back: nobody may put newer ones of them at the same time,
	// unless they are put again afterwards.
	Replace(ctx context.Context, documents []Document) error
}
