package dynamoview_test

import (
	"context"
	"testing"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/queries/dynamoview"
	"github.com/seed5b6a70b4/identity/sync/feedtest"
)

// announced is a view as those see it who follow its changes.
type announced struct{ *dynamoview.View }

func (a announced) Touches(ctx context.Context, stream eventstream.StreamID) ([]eventstream.StreamID, error) {
	if stream.Kind() == eventstream.KeyKind {
		return nil, nil
	}
	group, member, is := stream.Edge()
	if !is {
		return []eventstream.StreamID{stream}, nil
	}
	edge, err := a.Membership(ctx, domain.GroupID{UUID: group}, member)
	if edge.Kind == domain.GroupMember {
		return []eventstream.StreamID{eventstream.GroupStream(member)}, err
	}
	return []eventstream.StreamID{eventstream.UserStream(member)}, err
}

func (a announced) Document(ctx context.Context, entity eventstream.StreamID) (feedtest.Document, error) {
	kind := domain.UserMember
	if entity.Kind() == eventstream.GroupKind {
		kind = domain.GroupMember
	}
	id, _ := entity.UUID()
	document, err := a.View.Document(ctx, kind, id)
	made := feedtest.Document{Revision: document.Revision, Removed: document.Removed}
	for _, group := range document.Groups {
		made.Groups = append(made.Groups, uuid.UUID(group.UUID))
	}
	return made, err
}

// The view, its announcements and what is indexed of it end as the fold of the
// streams.
func TestAnnounced(t *testing.T) {
	client := connect(t)
	feedtest.RunAnnounced(t, func(testing.TB) feedtest.AnnouncedView { return announced{fresh(t, client)} })
}
