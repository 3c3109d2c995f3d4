package dynamoview

import (
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// errDamagedRow is why a row is refused that this package did not write.
var errDamagedRow = errors.New("a row that cannot be read")

// entity is one of the kinds that have a row of facts.
type entity[E any] struct {
	value *E
	root  *domain.Root
	apply func(seq uint64, at time.Time, events []domain.Event) error
	facts func() []domain.Event
	// hidden tells whether lists leave it out.
	hidden func() bool
}

func userEntity(id uuid.UUID) *entity[domain.User] {
	user := &domain.User{ID: domain.UserID{UUID: id}}
	return &entity[domain.User]{user, &user.Root, user.Apply, user.Facts, func() bool { return user.Removed }}
}

func groupEntity(id uuid.UUID) *entity[domain.Group] {
	group := &domain.Group{ID: domain.GroupID{UUID: id}}
	return &entity[domain.Group]{group, &group.Root, group.Apply, group.Facts, func() bool { return group.Removed }}
}

func keyEntity(id uuid.UUID) *entity[domain.APIKey] {
	key := &domain.APIKey{ID: domain.KeyID{UUID: id}}
	return &entity[domain.APIKey]{key, &key.Root, key.Apply, key.Facts, func() bool { return !key.Active }}
}

// read makes the entity what its item says; an empty item leaves it new.
func (e *entity[E]) read(from item) error {
	seq, err := from.number("n")
	if err != nil || seq == 0 {
		return err
	}
	created, createdErr := from.time("c")
	updated, updatedErr := from.time("u")
	events, eventsErr := domain.DecodeEvents([]byte(from.text("f")))
	if err := errors.Join(createdErr, updatedErr, eventsErr); err != nil {
		return fmt.Errorf("%w: %w", errDamagedRow, err)
	}
	e.root.Seq, e.root.CreatedAt = seq-1, created
	if err := e.apply(seq, updated, events); err != nil {
		return fmt.Errorf("%w: %w", errDamagedRow, err)
	}
	return nil
}

// change writes the entity to its item.
func (e *entity[E]) change(key item) (*change, error) {
	facts, err := domain.EncodeEvents(e.facts())
	if err != nil {
		return nil, err
	}
	c := &change{key: key, set: item{}}
	c.set.setNumber("n", e.root.Seq)
	c.set.setTime("c", e.root.CreatedAt)
	c.set.setTime("u", e.root.UpdatedAt)
	c.set.setText("f", string(facts))
	c.hide(e.hidden())
	return c, nil
}

// fold folds commits, which must come right after where it stands.
func fold(seq uint64, apply func(uint64, time.Time, []domain.Event) error, commits []eventstream.Commit) error {
	if commits[0].Seq != eventstream.Seq(seq)+1 {
		return eventstream.ErrMoved
	}
	for i := range commits {
		events, err := domain.DecodeEvents(commits[i].Data)
		if err != nil {
			return err
		}
		if err := apply(uint64(commits[i].Seq), commits[i].Time, events); err != nil {
			return err
		}
	}
	return nil
}

// readEdge makes a membership what an item says, given its ends. One that only an
// end's removal ended is present.
func readEdge(from item, group domain.GroupID, member uuid.UUID) (domain.Membership, error) {
	seq, err := from.number("n")
	if err != nil || seq == 0 {
		return domain.Membership{}, err
	}
	m := domain.Membership{Group: group, Member: member, Kind: domain.MemberKind(from.text("k")), Seq: seq}
	m.Present = from["x"] == nil || from["e"] != nil
	name := sinceIn(m.Present)
	since, err := from.time(name)
	if err != nil {
		return domain.Membership{}, fmt.Errorf("%w: %w", errDamagedRow, err)
	}
	if from[name] != nil {
		m.Since = since
	}
	return m, nil
}

// edgeChange writes a membership to one of its items.
func edgeChange(key item, m *domain.Membership) *change {
	c := &change{key: key, set: item{}}
	c.set.setNumber("n", m.Seq)
	c.set.setText("k", string(m.Kind))
	if !m.Since.IsZero() {
		c.set.setTime(sinceIn(m.Present), m.Since)
	}
	c.remove = append(c.remove, sinceIn(!m.Present))
	c.hide(!m.Present)
	if !m.Present {
		c.remove = append(c.remove, "e")
	}
	return c
}

// sinceIn names the attribute that says when a member came in, or left. They are
// two, because rows of earlier builds do not tell when a member left.
func sinceIn(present bool) string {
	if present {
		return "u"
	}
	return "l"
}
