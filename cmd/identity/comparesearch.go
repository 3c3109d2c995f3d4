package main

import (
	"context"
	"errors"
	"slices"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/httpapi"
	"github.com/seed5b6a70b4/identity/queries"
	"github.com/seed5b6a70b4/identity/queries/memview"
)

// compareSearch compares an index with the rows that it was made of: it must have
// the document of every user and group in its present revision, and no other. What
// a document says may well be another thing than in the generation before.
func (u *build) compareSearch(ctx context.Context, g *generation) error {
	stats := g.rows.view.Stats()
	u.progress.stage("compare search", uint64(stats.Users+stats.Groups))
	found := memview.Comparison{}
	for _, kind := range []domain.MemberKind{domain.UserMember, domain.GroupMember} {
		if err := u.compareKind(ctx, g, kind, &found); err != nil {
			return err
		}
	}
	if err := u.sampleSearch(ctx, g, &found); err != nil {
		return err
	}
	c := comparison(httpapi.SearchView, &found)
	c.Buckets = 1
	u.progress.compared(c)
	return nil
}

// compareTries is how often what an index lacks is looked at again, once it was
// pushed what had changed.
const compareTries = 8

func (u *build) compareKind(ctx context.Context, g *generation, kind domain.MemberKind, found *memview.Comparison) error {
	s := g.search
	lacking, err := g.lacking(ctx, kind)
	if err != nil {
		return err
	}
	for entity := range lacking {
		found.Add(streamOf(entity), 0, "document")
	}
	for id := range s.index.Revisions(kind) {
		found.Compared++
		u.progress.add(1)
		if entity := (memview.Entity{Kind: kind, ID: id}); !g.rows.view.Knows(entity) {
			found.Add(streamOf(entity), 0, "document")
		}
	}
	return nil
}

// lacking gives the entities whose documents are not in the index in the revision
// that they had when they were looked at, however often they change meanwhile.
func (g *generation) lacking(ctx context.Context, kind domain.MemberKind) (map[memview.Entity]uint64, error) {
	if err := g.search.forwarder.Flush(ctx); err != nil {
		return nil, err
	}
	wanted := map[memview.Entity]uint64{}
	for entity := range g.rows.view.Ahead(kind, g.search.index.Revisions(kind)) {
		if now, known := g.rows.view.Revision(entity); known {
			wanted[entity] = now.Revision
		}
	}
	for try := 0; len(wanted) > 0 && try < compareTries; try++ {
		if err := g.search.forwarder.Flush(ctx); err != nil {
			return nil, err
		}
		for id, revision := range g.search.index.Revisions(kind) {
			entity := memview.Entity{Kind: kind, ID: id}
			if least, is := wanted[entity]; is && revision >= least {
				delete(wanted, entity)
			}
		}
	}
	return wanted, nil
}

func streamOf(entity memview.Entity) eventstream.StreamID {
	if entity.Kind == domain.GroupMember {
		return eventstream.GroupStream(entity.ID)
	}
	return eventstream.UserStream(entity.ID)
}

// searchSamples is how many users are looked for in an index.
const searchSamples = 64

// sampleSearch looks for some users by their usernames.
func (u *build) sampleSearch(ctx context.Context, g *generation, found *memview.Comparison) error {
	for range searchSamples {
		after := domain.UserID{UUID: uuid.New()}
		users, err := g.rows.view.Users(ctx, after, 1)
		if err == nil && len(users) == 0 {
			users, err = g.rows.view.Users(ctx, domain.UserID{}, 1)
		}
		if err != nil || len(users) == 0 {
			return err
		}
		is, err := u.isFound(ctx, g, users[0].ID)
		if err != nil {
			return err
		}
		if found.Sampled++; !is {
			found.Add(eventstream.UserStream(users[0].ID.UUID), eventstream.Seq(users[0].Seq), "username")
		}
	}
	return nil
}

// isFound tells whether a user is found by the username that the rows tell.
func (u *build) isFound(ctx context.Context, g *generation, id domain.UserID) (bool, error) {
	const most = 500
	for range compareTries {
		user, err := g.rows.view.User(ctx, id)
		if err != nil || !user.Exists() {
			return true, err
		}
		found, err := g.search.index.Search(ctx, queries.Criteria{Kind: domain.UserMember, Text: user.Username.String()}, nil, most)
		if errors.Is(err, domain.Invalid) || err == nil && len(found.IDs) == most {
			return true, nil // a name that is no word, or everybody's
		}
		if err != nil || slices.Contains(found.IDs, id.UUID) {
			return err == nil, err
		}
		if err := g.search.forwarder.Flush(ctx); err != nil {
			return false, err
		}
	}
	return false, nil
}
