package audit

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// Announcing is a view whose rows remember up to where they were announced in the
// change feed.
type Announcing interface {
	// Standing tells how far a stream's row has got, up to where that was announced,
	// and whether its entity was removed and left rows of others untidy.
	Standing(ctx context.Context, stream eventstream.StreamID) (seq, announced eventstream.Seq, untidy bool, err error)
}

// Marking is a view that remembers up to where the directory streams were handled.
type Marking interface {
	// Mark is the number of a stream; 0 if there is none.
	Mark(ctx context.Context, stream eventstream.StreamID) (eventstream.Seq, error)
}

// compareAnnounced demands that every row was announced up to where its stream was
// seen, and that nothing is left to tidy after what was removed.
func (a *audit) compareAnnounced(ctx context.Context) error {
	view, is := a.subject.View.(Announcing)
	if !is {
		return nil
	}
	standing := func(ctx context.Context, stream eventstream.StreamID, seq uint64) error {
		return a.settle(ctx, func() (*Finding, error) {
			_, announced, untidy, err := view.Standing(ctx, stream)
			switch {
			case err != nil && a.fatalRow(err):
				return nil, err
			case err != nil:
				return &Finding{Part: Announced, Stream: stream, What: "where the view's row stands cannot be read"}, nil
			case uint64(announced) < seq:
				return &Finding{Part: Announced, Stream: stream, What: fmt.Sprintf("is announced up to %d only, of %d", announced, seq)}, nil
			case untidy:
				return &Finding{Part: Announced, Stream: stream, What: "was removed, but its memberships are not all announced as ended"}, nil
			}
			return a.compareNoticed(ctx, stream, announced)
		})
	}
	entities := func(stage string, of map[uuid.UUID]entity, stream func(uuid.UUID) eventstream.StreamID) error {
		return atOnce(ctx, a, stage, of, func(ctx context.Context, id uuid.UUID, e entity) error { return standing(ctx, stream(id), e.seq) })
	}
	if err := entities("announced users", a.users, eventstream.UserStream); err != nil {
		return err
	}
	if err := entities("announced groups", a.groups, eventstream.GroupStream); err != nil {
		return err
	}
	err := atOnce(ctx, a, "announced keys", a.keys, func(ctx context.Context, id uuid.UUID, key *domain.APIKey) error {
		return standing(ctx, eventstream.KeyStream(id), key.Seq)
	})
	if err != nil {
		return err
	}
	return atOnce(ctx, a, "announced memberships", a.edges, func(ctx context.Context, key edgeKey, e edge) error { return standing(ctx, key.stream(), e.seq) })
}

// compareMarks demands that no directory stream was handled further than it goes.
func (a *audit) compareMarks(ctx context.Context) error {
	view, is := a.subject.View.(Marking)
	if !is {
		return nil
	}
	var streams []eventstream.StreamID
	for shard := range a.userShards {
		streams = append(streams, eventstream.UsersStream(shard))
	}
	for shard := range a.groupShards {
		streams = append(streams, eventstream.GroupsStream(shard))
	}
	for _, stream := range streams {
		mark, err := view.Mark(ctx, stream)
		if err != nil {
			return err
		}
		last, err := a.lastOf(ctx, stream)
		if err != nil {
			return err
		}
		if mark > last.Seq {
			a.reporter.add(Finding{Part: Marks, Stream: stream, Seq: last.Seq, What: fmt.Sprintf("ends here, but the view has handled it up to %d", mark)})
		}
	}
	return nil
}

// compareReached demands that what follows the change feed gets to where that was
// when the audit began.
func (a *audit) compareReached(ctx context.Context) error {
	if a.subject.Heads == nil {
		return nil
	}
	heads, err := a.subject.Heads(ctx)
	if err != nil {
		return unlessCorrupt(err)
	}
	for _, name := range slices.Sorted(maps.Keys(a.subject.Reached)) {
		err := a.settleAll(ctx, func() (found []Finding, err error) {
			reached, err := a.subject.Reached[name](ctx)
			for _, head := range heads {
				if at := reached.Seq(head.Stream); at < head.Seq {
					found = append(found, Finding{Part: Position, Stream: head.Stream, Seq: at, What: fmt.Sprintf("%s has handled it only up to here, of %d", name, head.Seq)})
				}
			}
			return found, err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
