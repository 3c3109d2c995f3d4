package shardfeed

import (
	"context"
	"errors"
	"slices"
	"time"
)

// ErrLost says that a lease is not what it was taken to be: somebody else has
// changed, made or removed it.
var ErrLost = errors.New("the lease was changed by somebody else")

// Lease says who reads a shard, and how far it was handled.
type Lease struct {
	Shard string
	// Parents are those of the shard.
	Parents []string
	// Owner is the worker that reads the shard; empty if none does.
	Owner string
	// Counter is raised by every change.
	Counter uint64
	// Checkpoint is the sequence number up to which every record was handled; empty
	// at the beginning.
	Checkpoint string
	// Ended says that the shard was handled to its end.
	Ended bool
	// Since is an instant by the clock of whoever wrote the lease: what was written
	// to the shard before it, was handled or told of as lost. It is exact to a
	// second.
	Since time.Time
}

// Equal tells whether two leases say the same.
func (l *Lease) Equal(other *Lease) bool {
	return l.Shard == other.Shard && slices.Equal(l.Parents, other.Parents) && l.Owner == other.Owner &&
		l.Counter == other.Counter && l.Checkpoint == other.Checkpoint && l.Ended == other.Ended &&
		l.Since.Unix() == other.Since.Unix()
}

// Leases keep the leases of one group of workers. All methods may be called
// concurrently by any number of processes. Every change is durable when it has
// returned, and seen by whoever lists from then on. After an error other than
// ErrLost, the change may have been made, or may still be.
type Leases interface {
	// List gives all leases.
	List(ctx context.Context) ([]Lease, error)
	// Create adds a lease, with a counter of 1, and gives it. If there is one for
	// the shard, it is given with ErrLost.
	Create(ctx context.Context, lease Lease) (Lease, error)
	// Update puts a lease in place of one that still has the owner and the counter
	// of was, with a counter one higher, and gives it. If it has not, the error is
	// ErrLost, with what is there; the zero Lease if that is nothing. A change that
	// was made already by the same call, whose answer was lost, is no loss.
	Update(ctx context.Context, was, next Lease) (Lease, error)
	// Delete removes a lease that still has the owner and the counter of was, or is
	// gone; otherwise the error is ErrLost.
	Delete(ctx context.Context, was Lease) error
}
