package domain

import (
	"fmt"
	"time"

	"github.com/google/uuid"
)

// Membership is an edge as the commits of member/{groupId}/{memberId} make it.
// It counts only while both of its ends live, which is not for it to know.
type Membership struct {
	Group  GroupID
	Member uuid.UUID
	Kind   MemberKind
	// Seq is the last commit that was folded in; 0 before the first.
	Seq     uint64
	Present bool
	// Since is when the member came in, the last time it did, or when it left, if it
	// is not in: since then nothing changed. It is zero as long as it never was in.
	Since time.Time
}

// Apply folds one commit in, as User.Apply does.
func (m *Membership) Apply(seq uint64, at time.Time, events []Event) error {
	fresh, err := follows(m.Seq, seq)
	if err != nil || !fresh {
		return err
	}
	next := *m
	next.Seq = seq
	for _, event := range events {
		set, ok := event.(SetMember)
		if !ok {
			return fmt.Errorf("%w: a membership has no %s", ErrUnknownEvent, TypeOf(event))
		}
		next.Present, next.Kind = set.Present, set.Kind
	}
	if next.Present != m.Present {
		next.Since = at
	}
	*m = next
	return nil
}
