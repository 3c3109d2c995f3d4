package audit

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// claimKinds number the kinds of claim in a claimKey, from 1.
var claimKinds = []domain.ClaimKind{domain.UsernameClaim, domain.EmailClaim, domain.ExternalIDClaim, domain.GroupNameClaim}

// claimKey names a claim: the number of its kind and the key. The zero one names
// none.
type claimKey [17]byte

// claim is who holds a unique value, as the last commit of its stream says.
type claim struct {
	owner    uuid.UUID
	ownerSeq uint64
	group    bool
}

// claimFor names the claim of a value, if there is one.
func (a *audit) claimFor(kind domain.ClaimKind, none bool, compared func() string) claimKey {
	if none {
		return claimKey{}
	}
	key, _ := parseClaim(kind, a.subject.Secret.Key(kind, compared()))
	return key
}

func parseClaim(kind domain.ClaimKind, text string) (key claimKey, ok bool) {
	at := slices.Index(claimKinds, kind)
	raw, err := hex.DecodeString(text)
	if at < 0 || err != nil || len(raw) != len(key)-1 {
		return claimKey{}, false
	}
	key[0] = byte(at + 1)
	copy(key[1:], raw)
	return key, true
}

func (k claimKey) kind() domain.ClaimKind { return claimKinds[k[0]-1] }

func (k claimKey) stream() eventstream.StreamID {
	return eventstream.ClaimStream(string(k.kind()), hex.EncodeToString(k[1:]))
}

func (a *audit) learnClaim(commit *eventstream.Commit, events []domain.Event) {
	kind, text, _ := strings.Cut(strings.TrimPrefix(string(commit.Stream), string(eventstream.ClaimKind)+"/"), "/")
	key, ok := parseClaim(domain.ClaimKind(kind), text)
	if !ok {
		a.find(commit, "the stream's id is malformed")
		return
	}
	var held domain.Claim
	if err := held.Apply(uint64(commit.Seq), commit.Time, events); err != nil {
		a.find(commit, "cannot be folded: "+err.Error())
		return
	}
	a.claims[key] = claimOf(&held)
}

func claimOf(held *domain.Claim) claim {
	return claim{owner: held.Owner, ownerSeq: held.OwnerSeq, group: held.Kind == domain.GroupMember}
}

// compareClaims demands that living entities and claims agree, both ways.
func (a *audit) compareClaims(ctx context.Context) error {
	if err := a.compareHeld(ctx, "claims of users", a.users, eventstream.UserStream); err != nil {
		return err
	}
	if err := a.compareHeld(ctx, "claims of groups", a.groups, eventstream.GroupStream); err != nil {
		return err
	}
	return each(ctx, a, "owners of claims", a.claims, func(key claimKey, c claim) error {
		return a.doubt(ctx, c.compareOwner(key, a.ownerOf(c)), func() (*Finding, error) {
			c, err := a.claimNow(ctx, key)
			if err != nil {
				return nil, err
			}
			owner, err := a.entityNow(ctx, c.ownerStream())
			return c.compareOwner(key, owner), err
		})
	})
}

func (a *audit) ownerOf(c claim) entity {
	if c.group {
		return a.groups[c.owner]
	}
	return a.users[c.owner]
}

func (c claim) ownerStream() eventstream.StreamID {
	if c.group {
		return eventstream.GroupStream(c.owner)
	}
	return eventstream.UserStream(c.owner)
}

// compareOwner demands that a claim's owner holds the value.
func (c claim) compareOwner(key claimKey, owner entity) *Finding {
	what := ""
	switch {
	case c.owner == uuid.Nil || owner.broken:
		return nil
	case owner.seq == 0:
		what = fmt.Sprintf("is owned by %s, which was never created", c.ownerStream())
	case owner.removed:
		what = fmt.Sprintf("is owned by %s, which is removed", c.ownerStream())
	case !slices.Contains(owner.holds[:], key):
		what = fmt.Sprintf("is owned by %s, which has another value or none", c.ownerStream())
	case c.ownerSeq > owner.seq:
		what = fmt.Sprintf("was taken by %s@%d, which is only at %d", c.ownerStream(), c.ownerSeq, owner.seq)
	default:
		return nil
	}
	return &Finding{Part: Claims, Stream: key.stream(), What: what}
}

// compareHeld demands that each value that an entity has is claimed by it.
func (a *audit) compareHeld(ctx context.Context, stage string, entities map[uuid.UUID]entity, stream func(uuid.UUID) eventstream.StreamID) error {
	return each(ctx, a, stage, entities, func(id uuid.UUID, e entity) error {
		for _, key := range e.holds {
			err := a.doubt(ctx, e.compareHeld(stream(id), id, key, a.claims[key]), func() (*Finding, error) {
				now, err := a.entityNow(ctx, stream(id))
				if err != nil {
					return nil, err
				}
				c, err := a.claimNow(ctx, key)
				return now.compareHeld(stream(id), id, key, c), err
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// compareHeld demands that a value that the entity may have is claimed by it.
func (e entity) compareHeld(stream eventstream.StreamID, id uuid.UUID, key claimKey, c claim) *Finding {
	if e.broken || !e.lives() || key == (claimKey{}) || !slices.Contains(e.holds[:], key) || c.owner == id {
		return nil
	}
	what := "is claimed by nobody"
	if c.owner != uuid.Nil {
		what = "is claimed by " + c.owner.String()
	}
	return &Finding{Part: Claims, Stream: stream, Seq: eventstream.Seq(e.seq), What: fmt.Sprintf("its %s %s (%s)", key.kind(), what, key.stream())}
}
