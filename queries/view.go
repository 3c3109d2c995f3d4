package queries

import (
	"context"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// Rows answers for one entity at a time. What a view does not know is the zero
// row (Seq 0), not an error; a removed entity's row says so and keeps its Seq and
// times, whatever else it keeps. A membership's row is not Present once one of its ends
// was removed. An error means that the view could not be asked.
type Rows interface {
	User(ctx context.Context, id domain.UserID) (domain.User, error)
	Group(ctx context.Context, id domain.GroupID) (domain.Group, error)
	Key(ctx context.Context, id domain.KeyID) (domain.APIKey, error)
	Membership(ctx context.Context, group domain.GroupID, member uuid.UUID) (domain.Membership, error)
	// Roots gives what rows of users and groups have in common, but for their
	// Origin, in the order in which they are asked for.
	Roots(ctx context.Context, of []domain.EntityID) ([]domain.Root, error)
}

// Lists answers for many, in the order of their ids, from the first after a given
// one, and but for EverMembers and EverGroupsOf those that exist only. A
// membership is listed while it is present and neither of its ends is removed, a
// key until it is revoked.
type Lists interface {
	Users(ctx context.Context, after domain.UserID, limit int) ([]domain.User, error)
	Groups(ctx context.Context, after domain.GroupID, limit int) ([]domain.Group, error)
	Keys(ctx context.Context, after domain.KeyID, limit int) ([]domain.APIKey, error)
	Members(ctx context.Context, group domain.GroupID, after uuid.UUID, limit int) ([]domain.Membership, error)
	GroupsOf(ctx context.Context, member uuid.UUID, after domain.GroupID, limit int) ([]domain.Membership, error)
	// EverMembers and EverGroupsOf list every membership around an end that a commit
	// was ever seen of, whatever became of it, of that end or of the other one: also
	// around ids that are not known, or removed. Present is what the membership's own
	// stream says, so it is true of one that only its end's removal ended.
	EverMembers(ctx context.Context, group domain.GroupID, after uuid.UUID, limit int) ([]domain.Membership, error)
	EverGroupsOf(ctx context.Context, member uuid.UUID, after domain.GroupID, limit int) ([]domain.Membership, error)
}

// View is what a backend of rows implements. Every method may be called
// concurrently with the writing of rows.
type View interface {
	Rows
	Lists
	// Position says what lists rest on: every commit that it covers shows in
	// them. It is taken before the list is.
	Position(ctx context.Context) (eventstream.Token, error)
}

// Waiter brings a view to where a reader needs it.
type Waiter interface {
	// Ensure returns once the view shows the stream at the number or later, within
	// ctx, or says why it does not: eventstream's ErrBehind, ErrParked and
	// ErrUnknownPosition. users/{n} and groups/{n} stand for every entity that they
	// name up to the number, eventstream.LogStream for what the log holds up to it.
	// Any other stream that the view does not show is satisfied.
	Ensure(ctx context.Context, stream eventstream.StreamID, seq eventstream.Seq) error
	// Complete fails with eventstream.ErrParked while the view leaves out what it
	// cannot apply: the log's positions pass over that.
	Complete() error
}
