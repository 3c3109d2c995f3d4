package audit

import (
	"context"
	"fmt"
	"sync"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// notices are what the change feed was seen to tell: up to where of each stream.
type notices struct {
	mu   sync.Mutex
	told map[streamKey]eventstream.Seq
	// at is up to where each of changes/{n} was read.
	at   map[eventstream.StreamID]eventstream.Seq
	read int
	// followed is the round of doubts in which what came later was read.
	followed int
}

func newNotices() notices {
	return notices{told: map[streamKey]eventstream.Seq{}, at: map[eventstream.StreamID]eventstream.Seq{}}
}

// takeNotices notes what a commit of changes/{n} tells of.
func (a *audit) takeNotices(commit *eventstream.Commit) error {
	a.notices.at[commit.Stream] = commit.Seq
	if a.subject.Notices == nil {
		return nil
	}
	told, err := a.subject.Notices(commit)
	for _, position := range told {
		key := keyOf(position.Stream)
		a.notices.told[key] = max(a.notices.told[key], position.Seq)
		a.notices.read++
	}
	return err
}

// compareNoticed demands that the change feed tells of a row as far as the row
// says. Before doubts are looked at again, that is what the scan has met.
func (a *audit) compareNoticed(ctx context.Context, stream eventstream.StreamID, announced eventstream.Seq) (*Finding, error) {
	if a.subject.Notices == nil {
		return nil, nil
	}
	a.notices.mu.Lock()
	defer a.notices.mu.Unlock()
	if err := a.followNotices(ctx); err != nil {
		return nil, err
	}
	told := a.notices.told[keyOf(stream)]
	if told >= announced {
		return nil, nil
	}
	return &Finding{Part: Notices, Stream: stream, What: fmt.Sprintf("is announced up to %d as its row says, but the change feed tells of it only up to %d", announced, told)}, nil
}

// followNotices reads what the change feed tells after what was read of it, once
// in each round. The caller holds the lock.
func (a *audit) followNotices(ctx context.Context) error {
	if a.notices.followed == a.round {
		return nil
	}
	a.notices.followed = a.round
	for stream, at := range a.notices.at {
		for commit, err := range a.subject.Store.Read(ctx, stream, at) {
			if err != nil {
				if err = unlessCorrupt(err); err != nil {
					return err
				}
				break
			}
			_ = a.takeNotices(&commit) // the next audit's to report
		}
	}
	return nil
}
