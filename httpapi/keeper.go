package httpapi

import (
	"context"
	"errors"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// Keeper closes the store, so that another one may take over from it, and has it
// take over from the one that it follows. Its methods may be called concurrently.
type Keeper interface {
	// Standing tells what the store is.
	Standing(ctx context.Context) (Standing, error)
	// Close ends the store: once it returns, no write is acknowledged any more, and
	// GET /events gives everything that ever was. Again it does the same.
	Close(ctx context.Context) (Standing, error)
	// Promote begins to take over; Standing tells how that goes. It is
	// ErrNotFollowing for a store that follows none.
	Promote(ctx context.Context, order PromotionOrder) error
}

// ErrNotFollowing tells that a store follows none, and so has nothing to take over.
var ErrNotFollowing = errors.New("the store follows none")

// What a store is.
const (
	PrimaryRole   = "primary"
	ReplicaRole   = "replica"
	PromotingRole = "promoting"
	ClosedRole    = "closed"
)

// Standing is what a store is.
type Standing struct {
	Epoch string `json:"epoch"`
	// Role is one of the constants above.
	Role string `json:"role"`
	// Replica is how a store that follows another one does.
	Replica *ReplicaStanding `json:"replica,omitempty"`
	// Promotion is what came of the last promotion, as long as the process lives.
	Promotion *Promotion `json:"promotion,omitempty"`
}

// ReplicaStanding is how a store follows another one.
type ReplicaStanding struct {
	// Source is the followed service's address.
	Source string `json:"source"`
	// Position is up to where its events are here.
	Position string `json:"position"`
	// Transactions counts those that arrived while the process lives.
	Transactions uint64 `json:"transactions"`
	// LagSeconds is for how long there has been something that is not here, as far as
	// is known: 0 right after the end was seen, and absent before it was, unless the
	// events come in order.
	LagSeconds *float64 `json:"lagSeconds,omitempty"`
	// Waiting counts transactions that came before what they rest on.
	Waiting int `json:"waiting"`
	// Failing says why following fails, if it does.
	Failing string `json:"failing,omitempty"`
}

// PromotionOrder is how to take over.
type PromotionOrder struct {
	// Lost takes over although the followed store cannot be reached to be closed:
	// what it acknowledged and did not tell is lost.
	Lost bool `json:"lost,omitempty"`
}

// Promotion is what came of a promotion.
type Promotion struct {
	// Epoch is the new life's; empty if the promotion failed.
	Epoch string `json:"epoch,omitempty"`
	// Failed says why nothing was taken over: the store follows as before.
	Failed string `json:"failed,omitempty"`
	// SourceClosed tells that the followed store was closed first, so that nothing
	// that it acknowledged is missing.
	SourceClosed bool `json:"sourceClosed"`
	// Dropped names the commits of transactions that had not arrived whole.
	Dropped []CommitName `json:"dropped,omitempty"`
	EndedAt Instant      `json:"endedAt"`
}

// CommitName names a commit.
type CommitName struct {
	Stream eventstream.StreamID `json:"stream"`
	Seq    eventstream.Seq      `json:"seq"`
}
