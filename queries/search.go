package queries

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// Document is what search knows of one user or group.
type Document struct {
	ID   uuid.UUID
	Kind domain.MemberKind
	// Revision rises with every change of the document; one with a lower or equal
	// revision than the index has is not taken.
	Revision uint64
	// Removed documents are never found; they stay so that an older revision
	// cannot come back.
	Removed bool
	// Username and Email are empty for groups; Name is the group's name for them.
	Username, Email, Name, GivenName, FamilyName string
	Active                                       bool
	Attributes                                   domain.Attributes
	// Groups are those that the entity is directly in, existing ones only.
	Groups    []domain.GroupID
	CreatedAt time.Time
}

// Sort is an order of search results. Ties are broken by id; descending is the
// exact reverse. Names and usernames are compared as they are searched for:
// without case and accents, letter by letter, usernames without punctuation.
type Sort string

// The orders. ByRelevance is by tier and within a tier by name. The tiers are
// whole words, prefixes, prefixes of words behind the @ of an address, typos; a
// result is of the worst tier of the typed words.
const (
	ByID        Sort = "id"
	ByRelevance Sort = "relevance"
	ByName      Sort = "name"
	ByUsername  Sort = "username"
	ByCreated   Sort = "created"
)

// Criteria are what a search asks for: every one of them must hold. The zero
// Criteria of a kind match everything of it.
type Criteria struct {
	Kind domain.MemberKind
	// Text is what was typed: every word must match a word of the document, as a
	// prefix, or, with four letters or more, with one typo. Text that holds
	// something, but no word, matches nothing.
	Text string
	// Active, if set, must be the document's.
	Active *bool
	// Group, if not zero, must be among the document's groups.
	Group domain.GroupID
	// Attributes must be among the document's, by one of their values as text.
	Attributes map[string]string
	Sort       Sort
	Descending bool
}

// Found is a page of search results: ids in order, and where the next page
// begins, nil after the last one.
type Found struct {
	IDs  []uuid.UUID
	Next []byte
}

// Search is what a backend of the search index implements.
type Search interface {
	// Search finds a page, from a place that Found.Next gave for the same
	// criteria; nil for the first page. A place that is none is domain.Invalid.
	Search(ctx context.Context, criteria Criteria, from []byte, limit int) (Found, error)
	// Position says what the results of a search begun after the call rest on.
	Position(ctx context.Context) (eventstream.Token, error)
}
