package queries

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// UserByUsername gives the user that has a username. Like every look-up by a
// unique value it is current, whatever freshness is asked for: the value's claim
// is read from its stream, and its owner's row forced to where it took the
// value. A text that could be no such value finds nothing. With NotFound, Shows
// says what the view was at.
func (r *Reader) UserByUsername(ctx context.Context, text string, fresh Freshness) (Entity[domain.User], error) {
	username, err := domain.ParseUsername(text)
	if err != nil {
		return r.noUserWith(ctx)
	}
	key := username.Key()
	return r.userWith(ctx, domain.UsernameClaim, key, fresh, func(user *domain.User) bool { return user.Username.Key() == key })
}

// UserByEmail gives the user that has a mail address, as UserByUsername does.
func (r *Reader) UserByEmail(ctx context.Context, text string, fresh Freshness) (Entity[domain.User], error) {
	email, err := domain.ParseEmail(text)
	if err != nil {
		return r.noUserWith(ctx)
	}
	key := email.Key()
	return r.userWith(ctx, domain.EmailClaim, key, fresh, func(user *domain.User) bool { return user.Email.Key() == key })
}

// UserByExternalID gives the user that has an external id, as UserByUsername
// does.
func (r *Reader) UserByExternalID(ctx context.Context, text string, fresh Freshness) (Entity[domain.User], error) {
	externalID, err := domain.ParseExternalID(text)
	if err != nil {
		return r.noUserWith(ctx)
	}
	key := externalID.Key()
	return r.userWith(ctx, domain.ExternalIDClaim, key, fresh, func(user *domain.User) bool { return user.ExternalID.Key() == key })
}

// GroupByName gives the group that has a name, as UserByUsername does users.
func (r *Reader) GroupByName(ctx context.Context, text string, fresh Freshness) (Entity[domain.Group], error) {
	name, err := domain.ParseGroupName(text)
	if err != nil {
		return r.noGroupWith(ctx)
	}
	key := name.Key()
	return r.groupWith(ctx, domain.GroupNameClaim, key, fresh, func(group *domain.Group) bool { return group.Name.Key() == key })
}

// GroupByExternalID gives the group that has an external id, as UserByUsername
// does users.
func (r *Reader) GroupByExternalID(ctx context.Context, text string, fresh Freshness) (Entity[domain.Group], error) {
	externalID, err := domain.ParseExternalID(text)
	if err != nil {
		return r.noGroupWith(ctx)
	}
	key := externalID.Key()
	return r.groupWith(ctx, domain.ExternalIDClaim, key, fresh, func(group *domain.Group) bool { return group.ExternalID.Key() == key })
}

func (r *Reader) userWith(ctx context.Context, kind domain.ClaimKind, key string, fresh Freshness, has func(*domain.User) bool) (Entity[domain.User], error) {
	return lookUp(ctx, r, domain.UserMember, eventstream.ClaimStream(string(kind), r.config.ClaimSecret.Key(kind, key)), fresh,
		func(ctx context.Context, id uuid.UUID) (Entity[domain.User], bool, error) {
			user, err := r.config.View.User(ctx, domain.UserID{UUID: id})
			return one(user, eventstream.UserStream(id), user.Seq), user.Exists() && has(&user), err
		}, r.noUserWith)
}

func (r *Reader) groupWith(ctx context.Context, kind domain.ClaimKind, key string, fresh Freshness, has func(*domain.Group) bool) (Entity[domain.Group], error) {
	return lookUp(ctx, r, domain.GroupMember, eventstream.ClaimStream(string(kind), r.config.ClaimSecret.Key(kind, key)), fresh,
		func(ctx context.Context, id uuid.UUID) (Entity[domain.Group], bool, error) {
			group, err := r.config.View.Group(ctx, domain.GroupID{UUID: id})
			return one(group, eventstream.GroupStream(id), group.Seq), group.Exists() && has(&group), err
		}, r.noGroupWith)
}

// claimReads is how often a claim is read while it keeps changing hands between
// its being read and its owner's row.
const claimReads = 4

// lookUp finds the owner of a claim. A row that lacks the value has moved on
// since the claim was read, so the claim is read again.
func lookUp[T any](
	ctx context.Context, r *Reader, kind domain.MemberKind, claimed eventstream.StreamID, fresh Freshness,
	row func(context.Context, uuid.UUID) (entity Entity[T], has bool, err error), none func(context.Context) (Entity[T], error),
) (Entity[T], error) {
	ctx, span := r.config.Tracer.Start(ctx, "queries.LookUp")
	defer span.End()
	if err := r.forceEntity(ctx, fresh); err != nil {
		return Entity[T]{}, err
	}
	for range claimReads {
		claim, err := r.claim(ctx, claimed)
		if err != nil {
			return Entity[T]{}, err
		}
		if claim.Owner == uuid.Nil || claim.Kind != kind {
			return none(ctx)
		}
		if err := r.forceOwner(ctx, &claim, fresh); err != nil {
			return Entity[T]{}, err
		}
		entity, has, err := row(ctx, claim.Owner)
		if err != nil {
			return Entity[T]{}, fmt.Errorf("read the row of a claim's owner: %w", err)
		}
		if has {
			return entity, nil
		}
	}
	return none(ctx)
}

func (r *Reader) claim(ctx context.Context, stream eventstream.StreamID) (domain.Claim, error) {
	var claim domain.Claim
	last, err := r.config.Streams.Last(ctx, stream)
	if err != nil {
		return claim, fmt.Errorf("read a claim: %w", err)
	}
	if last.Seq == 0 {
		return claim, nil
	}
	events, err := domain.DecodeEvents(last.Data)
	if err != nil {
		return claim, fmt.Errorf("read a claim: %w", err)
	}
	if err := claim.Apply(uint64(last.Seq), last.Time, events); err != nil {
		return claim, fmt.Errorf("read a claim: %w", err)
	}
	return claim, nil
}

// forceOwner brings the owner's row to where it took the value; to its stream's
// head, if the latest is asked for.
func (r *Reader) forceOwner(ctx context.Context, claim *domain.Claim, fresh Freshness) error {
	stream := eventstream.UserStream(claim.Owner)
	if claim.Kind == domain.GroupMember {
		stream = eventstream.GroupStream(claim.Owner)
	}
	took := eventstream.Token{{Stream: stream, Seq: eventstream.Seq(claim.OwnerSeq)}}
	return r.forceEntity(ctx, Freshness{AtLeast: took, Latest: fresh.Latest, Wait: fresh.Wait}, stream)
}

func (r *Reader) noUserWith(ctx context.Context) (Entity[domain.User], error) {
	restsOn, err := r.config.View.Position(ctx)
	if err != nil {
		return Entity[domain.User]{}, fmt.Errorf("read the view's position: %w", err)
	}
	return Entity[domain.User]{Shows: restsOn}, noUser()
}

func (r *Reader) noGroupWith(ctx context.Context) (Entity[domain.Group], error) {
	restsOn, err := r.config.View.Position(ctx)
	if err != nil {
		return Entity[domain.Group]{}, fmt.Errorf("read the view's position: %w", err)
	}
	return Entity[domain.Group]{Shows: restsOn}, noGroup()
}
