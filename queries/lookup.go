package queries

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// UserByUsername gives the user that has a username. Like every look-up by a
// unique value it is current, whatever freshness is asked for: it answers whom the
// value's claim names, with a row that is not older than where the owner took the
// value. A text that could be no such value finds nothing. With NotFound, Shows
// says what the view was at.
func (r *Reader) UserByUsername(ctx context.Context, text string, fresh Freshness) (Entity[domain.User], error) {
	r = r.answering()
	username, err := domain.ParseUsername(text)
	if err != nil {
		return r.noUserWith(ctx)
	}
	key := username.Key()
	return r.userWith(ctx, domain.UsernameClaim, key, fresh, func(user *domain.User) bool { return user.Username == username || user.Username.Key() == key })
}

// UserByEmail gives the user that has a mail address, as UserByUsername does.
func (r *Reader) UserByEmail(ctx context.Context, text string, fresh Freshness) (Entity[domain.User], error) {
	r = r.answering()
	email, err := domain.ParseEmail(text)
	if err != nil {
		return r.noUserWith(ctx)
	}
	key := email.Key()
	return r.userWith(ctx, domain.EmailClaim, key, fresh, func(user *domain.User) bool { return user.Email == email || user.Email.Key() == key })
}

// UserByExternalID gives the user that has an external id, as UserByUsername
// does.
func (r *Reader) UserByExternalID(ctx context.Context, text string, fresh Freshness) (Entity[domain.User], error) {
	r = r.answering()
	externalID, err := domain.ParseExternalID(text)
	if err != nil {
		return r.noUserWith(ctx)
	}
	key := externalID.Key()
	return r.userWith(ctx, domain.ExternalIDClaim, key, fresh, func(user *domain.User) bool { return user.ExternalID.Key() == key })
}

// GroupByName gives the group that has a name, as UserByUsername does users.
func (r *Reader) GroupByName(ctx context.Context, text string, fresh Freshness) (Entity[domain.Group], error) {
	r = r.answering()
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
	r = r.answering()
	externalID, err := domain.ParseExternalID(text)
	if err != nil {
		return r.noGroupWith(ctx)
	}
	key := externalID.Key()
	return r.groupWith(ctx, domain.ExternalIDClaim, key, fresh, func(group *domain.Group) bool { return group.ExternalID.Key() == key })
}

// unique is a value that one entity has at most.
type unique[T any] struct {
	kind domain.ClaimKind
	key  string
	// owned is the kind of its owner, stream the owner's stream.
	owned  domain.MemberKind
	stream func(uuid.UUID) eventstream.StreamID
	// row reads the row of one who may have the value, and tells whether it has.
	row  func(context.Context, uuid.UUID) (entity Entity[T], has bool, err error)
	none func(context.Context) (Entity[T], error)
}

func (r *Reader) userWith(ctx context.Context, kind domain.ClaimKind, key string, fresh Freshness, has func(*domain.User) bool) (Entity[domain.User], error) {
	return lookUp(ctx, r, fresh, &unique[domain.User]{
		kind: kind, key: key, owned: domain.UserMember, stream: eventstream.UserStream, none: r.noUserWith,
		row: func(ctx context.Context, id uuid.UUID) (Entity[domain.User], bool, error) {
			user, err := r.config.View.User(ctx, domain.UserID{UUID: id})
			return one(user, eventstream.UserStream(id), user.Seq), user.Exists() && has(&user), err
		},
	})
}

func (r *Reader) groupWith(ctx context.Context, kind domain.ClaimKind, key string, fresh Freshness, has func(*domain.Group) bool) (Entity[domain.Group], error) {
	return lookUp(ctx, r, fresh, &unique[domain.Group]{
		kind: kind, key: key, owned: domain.GroupMember, stream: eventstream.GroupStream, none: r.noGroupWith,
		row: func(ctx context.Context, id uuid.UUID) (Entity[domain.Group], bool, error) {
			group, err := r.config.View.Group(ctx, domain.GroupID{UUID: id})
			return one(group, eventstream.GroupStream(id), group.Seq), group.Exists() && has(&group), err
		},
	})
}

// claimReads is how often a claim is read while it keeps changing hands between
// its being read and its owner's row.
const claimReads = 4

// lookUp finds who has a value. A row that lacks the value has moved on since the
// claim was read, so the claim is read again.
func lookUp[T any](ctx context.Context, r *Reader, fresh Freshness, u *unique[T]) (Entity[T], error) {
	if err := r.forceEntity(ctx, fresh); err != nil {
		return Entity[T]{}, err
	}
	if entity, found, err := hinted(ctx, r, u); found || err != nil {
		return entity, err
	}
	ctx, span := r.config.Tracer.Start(ctx, "queries.LookUp")
	defer span.End()
	claimed := eventstream.ClaimStream(string(u.kind), r.config.ClaimSecret.Key(u.kind, u.key))
	for range claimReads {
		claim, err := r.claim(ctx, claimed)
		if err != nil {
			return Entity[T]{}, err
		}
		if claim.Owner == uuid.Nil || claim.Kind != u.owned {
			return u.none(ctx)
		}
		if err := r.forceOwner(ctx, &claim, fresh); err != nil {
			return Entity[T]{}, err
		}
		entity, has, err := readRow(ctx, u, claim.Owner)
		if err != nil {
			return Entity[T]{}, err
		}
		if has {
			r.hints.set(u.kind, u.key, claim.Owner)
			return entity, nil
		}
	}
	return u.none(ctx)
}

// hinted answers without the claim if the row of whom the hint names is its
// stream's latest and has the value: an entity and its claims change in one
// transaction, so then the claim is the entity's.
func hinted[T any](ctx context.Context, r *Reader, u *unique[T]) (entity Entity[T], found bool, err error) {
	owner, known := r.hints.owner(u.kind, u.key)
	if !known {
		return entity, false, nil
	}
	entity, has, err := readRow(ctx, u, owner)
	if err != nil || !has {
		return Entity[T]{}, false, err
	}
	head, err := r.head(ctx, u.stream(owner))
	return entity, err == nil && entity.Shows[0].Seq == head, err
}

func readRow[T any](ctx context.Context, u *unique[T], id uuid.UUID) (Entity[T], bool, error) {
	entity, has, err := u.row(ctx, id)
	if err != nil {
		return entity, false, fmt.Errorf("read the row of a claim's owner: %w", err)
	}
	return entity, has, nil
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
