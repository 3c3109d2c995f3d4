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
	a.claims[key] = claim{owner: held.Owner, ownerSeq: held.OwnerSeq, group: held.Kind == domain.GroupMember}
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
		if c.owner == uuid.Nil {
			return nil
		}
		entities, stream := a.users, eventstream.UserStream(c.owner)
		if c.group {
			entities, stream = a.groups, eventstream.GroupStream(c.owner)
		}
		owner := entities[c.owner]
		switch {
		case owner.broken:
		case owner.seq == 0:
			a.reporter.add(Finding{Stream: key.stream(), What: fmt.Sprintf("is owned by %s, which was never created", stream)})
		case owner.removed:
			a.reporter.add(Finding{Stream: key.stream(), What: fmt.Sprintf("is owned by %s, which is removed", stream)})
		case !slices.Contains(owner.holds[:], key):
			a.reporter.add(Finding{Stream: key.stream(), What: fmt.Sprintf("is owned by %s, which has another value or none", stream)})
		case c.ownerSeq > owner.seq:
			a.reporter.add(Finding{Stream: key.stream(), What: fmt.Sprintf("was taken by %s@%d, which is only at %d", stream, c.ownerSeq, owner.seq)})
		}
		return nil
	})
}

// compareHeld demands that each value that an entity has is claimed by it.
func (a *audit) compareHeld(ctx context.Context, stage string, entities map[uuid.UUID]entity, stream func(uuid.UUID) eventstream.StreamID) error {
	return each(ctx, a, stage, entities, func(id uuid.UUID, e entity) error {
		if e.broken || !e.lives() {
			return nil
		}
		for _, key := range e.holds {
			if key == (claimKey{}) {
				continue
			}
			if c := a.claims[key]; c.owner != id {
				what := "is claimed by nobody"
				if c.owner != uuid.Nil {
					what = "is claimed by " + c.owner.String()
				}
				a.reporter.add(Finding{Stream: stream(id), Seq: eventstream.Seq(e.seq), What: fmt.Sprintf("its %s %s (%s)", key.kind(), what, key.stream())})
			}
		}
		return nil
	})
}
