package audit

import (
	"context"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// What a scan gives of two streams is from two instants. Where they do not agree,
// both are read anew.

// doubt reports what was found, on a log at once: there all of it is from one
// position. On a scan it is looked at again.
func (a *audit) doubt(ctx context.Context, found *Finding, again func() (*Finding, error)) error {
	if found == nil {
		return nil
	}
	if a.log != nil {
		a.reporter.add(*found)
		return nil
	}
	return a.settle(ctx, again)
}

// entityNow folds all that the store has of a user or group.
func (a *audit) entityNow(ctx context.Context, stream eventstream.StreamID) (entity, error) {
	id, is := entityOf(stream)
	if !is {
		return entity{}, nil
	}
	if stream.Kind() == eventstream.UserKind {
		user, err := a.foldUser(ctx, id, newest)
		if err != nil && fatal(err) {
			return entity{}, err
		}
		return a.ofUser(&user, err), nil
	}
	group, err := a.foldGroup(ctx, id, newest)
	if err != nil && fatal(err) {
		return entity{}, err
	}
	return a.ofGroup(&group, err), nil
}

// claimNow is what the last commit of a claim says; nothing if it cannot be read.
func (a *audit) claimNow(ctx context.Context, key claimKey) (claim, error) {
	last, err := a.lastOf(ctx, key.stream())
	if err != nil || last.Seq == 0 {
		return claim{}, err
	}
	events, err := domain.DecodeEvents(last.Data)
	var held domain.Claim
	if err == nil {
		err = held.Apply(uint64(last.Seq), last.Time, events)
	}
	if err != nil {
		return claim{}, nil // is a finding of its own
	}
	return claimOf(&held), nil
}

// endedNow folds an edge and its ends.
func (a *audit) endedNow(ctx context.Context, key edgeKey) (e ended, err error) {
	membership := domain.Membership{Group: domain.GroupID{UUID: key.group()}, Member: key.member()}
	err = a.fold(ctx, key.stream(), newest, membership.Apply)
	if err != nil && fatal(err) {
		return e, err
	}
	e.edge = edgeFrom(&membership)
	e.broken = err != nil
	if e.from, err = a.entityNow(ctx, eventstream.GroupStream(key.group())); err != nil {
		return e, err
	}
	e.to, err = a.entityNow(ctx, memberStream(e.edge, key.member()))
	return e, err
}

func memberStream(e edge, member uuid.UUID) eventstream.StreamID {
	if e.nested {
		return eventstream.GroupStream(member)
	}
	return eventstream.UserStream(member)
}

// followNesting brings the fold of nesting to where the store is, on a scan.
func (a *audit) followNesting(ctx context.Context) error {
	if a.log != nil {
		return nil
	}
	for commit, err := range a.subject.Store.Read(ctx, eventstream.NestingStream, a.nestingAt) {
		if err != nil {
			return unlessCorrupt(err)
		}
		a.nestingAt = commit.Seq
		if events, err := domain.DecodeEvents(commit.Data); err == nil {
			a.learnNesting(&commit, events)
		}
	}
	return nil
}

// lastOf is a stream's last commit, the zero one if it cannot be read.
func (a *audit) lastOf(ctx context.Context, stream eventstream.StreamID) (eventstream.Commit, error) {
	last, err := a.subject.Store.Last(ctx, stream)
	if err != nil {
		return eventstream.Commit{}, unlessCorrupt(err)
	}
	return last, nil
}

// commitAt is the commit at a position, the zero one if there is none that can be
// read.
func (a *audit) commitAt(ctx context.Context, at eventstream.Position) (eventstream.Commit, error) {
	commit, err := a.scanner.At(ctx, at)
	if err != nil {
		return eventstream.Commit{}, unlessCorrupt(err)
	}
	return commit, nil
}
