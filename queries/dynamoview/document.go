package dynamoview

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/queries"
)

// ofRemoval is what removal adds to a revision, so that nothing comes after it.
const ofRemoval = 1 << 48

// Document gives what a search index should know of a user or group, with the
// groups that it is directly in, by id, but for removed ones. Its revision rises
// with every commit of the entity and of its memberships, and, through Tidy, when
// one of its groups is removed; that of a removed entity is above any other. What
// the view does not know has revision 0; of what was removed only that is told.
func (v *View) Document(ctx context.Context, kind domain.MemberKind, id uuid.UUID) (queries.Document, error) {
	document := queries.Document{ID: id, Kind: kind}
	stream := eventstream.UserStream(id)
	if kind == domain.GroupMember {
		stream = eventstream.GroupStream(id)
	}
	key, _ := v.keyOf(stream)
	stored, err := v.get(ctx, key)
	if err != nil {
		return document, err
	}
	if kind == domain.GroupMember {
		err = describeGroup(&document, stored)
	} else {
		err = describeUser(&document, stored)
	}
	if err != nil || document.Revision == 0 {
		return document, err
	}
	counted, err := stored.number("r")
	if err != nil {
		return document, fmt.Errorf("%w: %w", errDamagedRow, err)
	}
	document.Revision += counted
	if document.Removed {
		document.Revision += ofRemoval
		return document, nil
	}
	// The groups are read after the revision: what they have changed since raises it
	// once more.
	document.Groups, err = v.groupsIn(ctx, id)
	return document, err
}

func describeUser(d *queries.Document, stored item) error {
	user := userEntity(d.ID)
	if err := user.read(stored); err != nil {
		return err
	}
	u := user.value
	d.Revision, d.Removed = u.Seq, u.Removed
	if u.Removed {
		return nil
	}
	d.Username, d.Email, d.Active, d.Attributes, d.CreatedAt = u.Username.String(), u.Email.String(), u.Active, u.Attributes, u.CreatedAt
	d.Name, d.GivenName, d.FamilyName = u.Name.String(), u.GivenName.String(), u.FamilyName.String()
	return nil
}

func describeGroup(d *queries.Document, stored item) error {
	group := groupEntity(d.ID)
	if err := group.read(stored); err != nil {
		return err
	}
	g := group.value
	d.Revision, d.Removed = g.Seq, g.Removed
	if g.Removed {
		return nil
	}
	d.Name, d.Attributes, d.CreatedAt = g.Name.String(), g.Attributes, g.CreatedAt
	return nil
}

// groupsIn gives the groups that a user or group is directly in, but for removed
// ones. One that is not known yet counts: the membership could not have been made
// without it.
func (v *View) groupsIn(ctx context.Context, member uuid.UUID) ([]domain.GroupID, error) {
	var groups []domain.GroupID
	for after := uuid.Nil; ; {
		stored, err := v.visible(ctx, groupsOf(member), after, maxQueried)
		if err != nil || len(stored) == 0 {
			return groups, err
		}
		of := make([]end, len(stored))
		for i, one := range stored {
			if after, err = one.id(); err != nil {
				return nil, fmt.Errorf("%w: %w", errDamagedRow, err)
			}
			of[i] = end{eventstream.GroupKind, after}
		}
		states, err := v.ends(ctx, of)
		if err != nil {
			return nil, err
		}
		for _, e := range of {
			if states[e] != gone {
				groups = append(groups, domain.GroupID{UUID: e.id})
			}
		}
	}
}
