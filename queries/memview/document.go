package memview

import (
	"context"
	"iter"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/queries"
)

// Document gives what a search index should know of a user or group, with the
// groups that it is directly in and that exist, by id. Its revision rises with
// every commit of the entity and of its memberships, and when one of its groups
// comes or goes (then through Tidy); it is the same in every view that was given
// the same commits and tidied, and that of a removed one is above any it had
// before, in whatever view. What the view does not know has revision 0; of
// what was removed only that is told.
func (v *View) Document(_ context.Context, kind domain.MemberKind, id uuid.UUID) (queries.Document, error) {
	document := queries.Document{ID: id, Kind: kind}
	r, ok := v.nodes.find(id)
	if !ok {
		return document, nil
	}
	row, groups, edges := v.documentParts(r, sideOf(kind))
	if row == "" {
		return document, nil
	}
	for _, g := range groups {
		if node := v.nodes.at(g); node.stage(groupSide) == here {
			document.Groups = append(document.Groups, domain.GroupID{UUID: node.id})
		}
	}
	if kind == domain.GroupMember {
		v.describeGroup(&document, row)
	} else {
		v.describeUser(&document, row)
	}
	document.Revision += edges
	if document.Removed {
		document.Groups = nil
		document.Revision += ofRemoval
	}
	return document, nil
}

// ofRemoval is what removal adds to a revision. Two views that have not tidied
// alike may differ by some of an entity's groups, but never by this much.
const ofRemoval = 1 << 48

func (v *View) documentParts(r ref, s side) (row string, groups []ref, edges uint64) {
	shard, node := v.shard(r), v.nodes.at(r)
	shard.mu.RLock()
	defer shard.mu.RUnlock()
	return shard.row(node, s), shard.groups(key{owner: r}, -1), node.edgeRevisions()
}

func (v *View) describeUser(d *queries.Document, row string) {
	user := v.readUser(domain.UserID{UUID: d.ID}, row)
	d.Revision, d.Removed, d.CreatedAt = user.Seq, user.Removed, user.CreatedAt
	d.Username, d.Email, d.Active, d.Attributes = user.Username.String(), user.Email.String(), user.Active, user.Attributes
	d.Name, d.GivenName, d.FamilyName = user.Name.String(), user.GivenName.String(), user.FamilyName.String()
}

func (v *View) describeGroup(d *queries.Document, row string) {
	group := v.readGroup(domain.GroupID{UUID: d.ID}, row)
	d.Revision, d.Removed, d.CreatedAt = group.Seq, group.Removed, group.CreatedAt
	d.Name, d.Attributes = group.Name.String(), group.Attributes
}

// Revision is which version of whose document there is.
type Revision struct {
	Entity
	Revision uint64
	Removed  bool
}

// Revisions gives the revision of every user and group that the view knows,
// removed ones too, in no order. What comes or changes meanwhile may be left out
// or given as it was.
func (v *View) Revisions() iter.Seq[Revision] {
	return func(yield func(Revision) bool) {
		for r := range ref(v.nodes.count.Load()) {
			for s := userSide; s <= groupSide; s++ {
				if revision, ok := v.revision(r, s); ok && !yield(revision) {
					return
				}
			}
		}
	}
}

// Ahead gives the users or the groups, removed ones too, whose document an index
// lacks or has in an earlier revision. What the index has is gone over at once;
// what changes after that may be left out.
func (v *View) Ahead(kind domain.MemberKind, had iter.Seq2[uuid.UUID, uint64]) iter.Seq[Entity] {
	s, count := sideOf(kind), ref(v.nodes.count.Load())
	current := make([]bool, count)
	for id, revision := range had {
		r, found := v.nodes.find(id)
		if !found || r >= count {
			continue
		}
		now, known := v.revision(r, s)
		current[r] = known && revision >= now.Revision
	}
	return func(yield func(Entity) bool) {
		for r := range count {
			if !current[r] && v.nodes.at(r).stage(s) != unknown && !yield(Entity{kind, v.id(r)}) {
				return
			}
		}
	}
}

// Knows tells whether the entity has a document: whether the view was given a
// commit of its own. It costs a part of what Document does.
func (v *View) Knows(entity Entity) bool {
	r, found := v.nodes.find(entity.ID)
	return found && v.nodes.at(r).stage(sideOf(entity.Kind)) != unknown
}

// Revision gives the revision of an entity's document; false if it has none.
func (v *View) Revision(entity Entity) (Revision, bool) {
	r, found := v.nodes.find(entity.ID)
	if !found {
		return Revision{}, false
	}
	return v.revision(r, sideOf(entity.Kind))
}

func (v *View) revision(r ref, s side) (Revision, bool) {
	node, shard := v.nodes.at(r), v.shard(r)
	at := node.stage(s)
	if at == unknown {
		return Revision{}, false
	}
	shard.mu.RLock()
	defer shard.mu.RUnlock()
	revision := Revision{Entity: Entity{s.kind(), node.id}, Revision: shard.seq(node, s) + node.edgeRevisions(), Removed: node.stage(s) == gone}
	if revision.Removed {
		revision.Revision += ofRemoval
	}
	return revision, true
}
