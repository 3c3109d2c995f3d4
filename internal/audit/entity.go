package audit

import (
	"context"
	"fmt"
	"hash/maphash"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// entity is what is kept of a user or a group: where its stream has got to, and a
// digest and the unique values of its fold there.
type entity struct {
	seq    uint64
	digest uint64
	holds  [3]claimKey // zero for a value that it does not have
	// removed entities hold nothing. Of broken ones the fold is not known.
	removed, broken bool
	// changed entities have more than one commit: their fold is made afterwards.
	changed bool
}

func (e entity) lives() bool { return e.seq > 0 && !e.removed }

var digestSeed = maphash.MakeSeed()

// firstFold folds the first commit of a user or group; anything else is zero.
func (a *audit) firstFold(commit *eventstream.Commit, events []domain.Event) entity {
	id, is := entityOf(commit.Stream)
	if !is {
		return entity{}
	}
	if commit.Stream.Kind() == eventstream.UserKind {
		user := domain.User{ID: domain.UserID{UUID: id}}
		err := user.Apply(uint64(commit.Seq), commit.Time, events)
		return a.ofUser(&user, err)
	}
	group := domain.Group{ID: domain.GroupID{UUID: id}}
	err := group.Apply(uint64(commit.Seq), commit.Time, events)
	return a.ofGroup(&group, err)
}

func (a *audit) ofUser(user *domain.User, err error) entity {
	e := entity{seq: user.Seq, digest: maphash.Bytes(digestSeed, canonicalUser(user)), removed: user.Removed, broken: err != nil}
	if e.lives() {
		e.holds = [3]claimKey{
			a.claimFor(domain.UsernameClaim, user.Username.IsZero(), user.Username.Key),
			a.claimFor(domain.EmailClaim, user.Email.IsZero(), user.Email.Key),
			a.claimFor(domain.ExternalIDClaim, user.ExternalID.IsZero(), user.ExternalID.Key),
		}
	}
	return e
}

func (a *audit) ofGroup(group *domain.Group, err error) entity {
	e := entity{seq: group.Seq, digest: maphash.Bytes(digestSeed, canonicalGroup(group)), removed: group.Removed, broken: err != nil}
	if e.lives() {
		e.holds = [3]claimKey{
			a.claimFor(domain.GroupNameClaim, group.Name.IsZero(), group.Name.Key),
			a.claimFor(domain.ExternalIDClaim, group.ExternalID.IsZero(), group.ExternalID.Key),
		}
	}
	return e
}

// foldChanged folds the entities with more than one commit, reading each stream
// anew up to where the log was when the audit began.
func (a *audit) foldChanged(ctx context.Context) error {
	err := each(ctx, a, "changed users", a.users, func(id uuid.UUID, e entity) error {
		if !e.changed || e.broken {
			return nil
		}
		user, err := a.foldUser(ctx, id, e.seq)
		return a.setFold(a.users, eventstream.UserStream(id), id, e.seq, a.ofUser(&user, err), err)
	})
	if err != nil {
		return err
	}
	return each(ctx, a, "changed groups", a.groups, func(id uuid.UUID, e entity) error {
		if !e.changed || e.broken {
			return nil
		}
		group, err := a.foldGroup(ctx, id, e.seq)
		return a.setFold(a.groups, eventstream.GroupStream(id), id, e.seq, a.ofGroup(&group, err), err)
	})
}

// setFold keeps a fold that was made anew, or reports why there is none.
func (a *audit) setFold(into map[uuid.UUID]entity, stream eventstream.StreamID, id uuid.UUID, seq uint64, made entity, err error) error {
	switch {
	case err != nil && fatal(err):
		return err
	case err != nil:
		a.reporter.add(Finding{Part: Streams, Stream: stream, What: "cannot be folded: " + err.Error()})
		made.broken = true
	case made.seq != seq:
		a.reporter.add(Finding{Part: Streams, Stream: stream, Seq: eventstream.Seq(made.seq), What: fmt.Sprintf("the stream ends here, the log has it up to %d", seq)})
		made.broken = true
	}
	made.seq, made.changed = seq, true
	into[id] = made
	return nil
}
