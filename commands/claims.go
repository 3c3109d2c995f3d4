package commands

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// uniqueValue is one of an entity's unique values.
type uniqueValue struct {
	kind    domain.ClaimKind
	pointer string
	key     string // the compared form; empty for none
}

// claimChange is what a command does to an entity's unique value of one kind:
// takes one, releases one, or both.
type claimChange struct {
	kind            domain.ClaimKind
	pointer         string
	takes, releases claim
}

// claim is who holds a unique value. The zero claim is of no value.
type claim struct {
	stream eventstream.StreamID
	held   domain.Claim
}

// readClaimChanges compares an entity's unique values before and after a command
// and reads the claims of those that differ, in the order of the values.
func (r *reader) readClaimChanges(ctx context.Context, before, after []uniqueValue) ([]claimChange, error) {
	changes := make([]claimChange, 0, len(after))
	for i := range after {
		if before[i].key == after[i].key {
			continue
		}
		change := claimChange{kind: after[i].kind, pointer: after[i].pointer}
		var err error
		if change.takes, err = r.claim(ctx, change.kind, after[i].key); err != nil {
			return nil, err
		}
		if change.releases, err = r.claim(ctx, change.kind, before[i].key); err != nil {
			return nil, err
		}
		changes = append(changes, change)
	}
	return changes, nil
}

// claim reads who holds a value. Each commit of a claim says it in full.
func (r *reader) claim(ctx context.Context, kind domain.ClaimKind, key string) (claim, error) {
	if key == "" {
		return claim{}, nil
	}
	c := claim{stream: r.directory.ClaimOf(kind, key)}
	last, events, err := r.last(ctx, c.stream)
	if err != nil || last.Seq == 0 {
		return c, err
	}
	return c, c.held.Apply(uint64(last.Seq), last.Time, events)
}

// decideClaims gives the writes that take and release unique values for an
// entity, by its commit seq, or the refusal of the first that it cannot have.
func decideClaims(changes []claimChange, owner uuid.UUID, kind domain.MemberKind, seq uint64, c *circumstances) ([]write, error) {
	writes := make([]write, 0, 2*len(changes))
	for _, change := range changes {
		if takes := change.takes; takes.stream != "" {
			if free, until := takes.held.FreeFor(owner, c.now, c.quarantine); !free {
				return nil, change.taken(until)
			}
			writes = append(writes, takes.set(domain.SetOwner{Owner: owner, Kind: kind, OwnerSeq: seq}))
		}
		// A claim that is not the entity's has moved since the entity was read; then
		// the append fails on the entity itself.
		if releases := change.releases; releases.stream != "" && releases.held.Owner == owner {
			writes = append(writes, releases.set(domain.SetOwner{OwnerSeq: seq, Former: owner}))
		}
	}
	return writes, nil
}

func (c *claim) set(owner domain.SetOwner) write {
	return write{c.stream, eventstream.Exactly(eventstream.Seq(c.held.Seq)), []domain.Event{owner}}
}

func (c *claimChange) taken(until time.Time) error {
	detail := "somebody else has it"
	if !until.IsZero() {
		detail = fmt.Sprintf("somebody else had it until lately; it can be taken from %s", until.UTC().Format("2006-01-02T15:04:05.000Z07:00"))
	}
	return &domain.Error{
		Kind: domain.Taken, Code: string(c.kind) + "_taken", Detail: detail, Until: until,
		Fields: []domain.Field{{Pointer: c.pointer, Detail: detail}},
	}
}
