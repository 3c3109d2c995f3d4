package dynamoview_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/queries/dynamoview"
)

// pair is two generations of rows, and the tables they are in.
type pair struct {
	t      *testing.T
	client *dynamodb.Client
	tables [2]string
	views  [2]*dynamoview.View
}

func newPair(t *testing.T) *pair {
	t.Helper()
	p := &pair{t: t, client: connect(t)}
	for i := range p.views {
		p.tables[i] = "views-" + uuid.NewString()
		p.views[i] = dynamoview.New(p.client, dynamoview.Options{Table: p.tables[i]})
		for range 2 { // again, it is there
			if err := p.views[i].Prepare(t.Context()); err != nil {
				t.Fatal("make a table:", err)
			}
		}
	}
	return p
}

// commit makes a commit of a stream.
func commit(t *testing.T, stream eventstream.StreamID, seq eventstream.Seq, events ...domain.Event) eventstream.Commit {
	t.Helper()
	data, err := domain.EncodeEvents(events)
	if err != nil {
		t.Fatal(err)
	}
	return eventstream.Commit{Stream: stream, Seq: seq, Time: time.UnixMilli(1_700_000_000_000 + int64(seq)).UTC(), Data: data}
}

// apply writes commits to one of the views, or both in turn.
func (p *pair) apply(commits []eventstream.Commit, to ...int) {
	p.t.Helper()
	for _, i := range to {
		for at := range commits {
			if err := p.views[i].Apply(p.t.Context(), commits[at:at+1]); err != nil {
				p.t.Fatal("apply:", err)
			}
		}
	}
}

func (p *pair) compare(options dynamoview.CompareOptions) dynamoview.Comparison {
	p.t.Helper()
	c, err := dynamoview.Compare(p.t.Context(), p.views[0], p.views[1], options)
	if err != nil {
		p.t.Fatal("compare:", err)
	}
	return c
}

func named(t *testing.T, text string) domain.Event {
	t.Helper()
	username, err := domain.ParseUsername(text)
	if err != nil {
		t.Fatal(err)
	}
	return domain.SetUsername{Username: username}
}

// Rows that the same commits were folded into are the same, whatever the tables know
// besides; others are told of by stream and field.
func TestRowsAreCompared(t *testing.T) {
	p := newPair(t)
	user, group := uuid.Must(uuid.NewV7()), uuid.Must(uuid.NewV7())
	var all []eventstream.Commit
	for range 20 {
		id := uuid.Must(uuid.NewV7())
		all = append(all, commit(t, eventstream.UserStream(id), 1, named(t, "u"+id.String())))
		all = append(all, commit(t, eventstream.MemberStream(group, id), 1, domain.SetMember{Present: true, Kind: domain.UserMember}))
	}
	all = append(all, commit(t, eventstream.GroupStream(group), 1), commit(t, eventstream.UserStream(user), 1, named(t, "ada")))
	p.apply(all, 0, 1)
	if err := p.views[0].SetAnnounced(t.Context(), all[0].Position()); err != nil {
		t.Fatal(err)
	}
	if c := p.compare(dynamoview.CompareOptions{}); c.Rows != 62 || len(c.Different) != 0 {
		t.Fatalf("of equal views: %+v", c)
	}
	// One says otherwise at the same commit, one lacks a row, one has an edge that the
	// other's member does not list.
	p.apply([]eventstream.Commit{commit(t, eventstream.UserStream(user), 2, named(t, "grace"))}, 0)
	p.apply([]eventstream.Commit{commit(t, eventstream.UserStream(user), 2, named(t, "lovelace"))}, 1)
	lost := uuid.Must(uuid.NewV7())
	p.apply([]eventstream.Commit{commit(t, eventstream.UserStream(lost), 1, named(t, "lost"))}, 0)
	_, member, _ := all[1].Stream.Edge()
	_, err := p.client.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &p.tables[1], Key: map[string]types.AttributeValue{
		"p": &types.AttributeValueMemberS{Value: "groups#" + member.String()}, "s": &types.AttributeValueMemberS{Value: group.String()},
	}})
	if err != nil {
		t.Fatal(err)
	}
	want := map[eventstream.StreamID]string{
		eventstream.UserStream(user): "SetUsername", eventstream.UserStream(lost): "SetUsername, createdAt, seq, updatedAt",
		all[1].Stream: "kind in the member, seq in the member, since in the member",
	}
	got := map[eventstream.StreamID]string{}
	for _, d := range p.compare(dynamoview.CompareOptions{Patience: time.Millisecond}).Different {
		got[d.Stream] = strings.Join(d.Fields, ", ")
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("differences (-want +got):\n%s", diff)
	}
	if c := p.compare(dynamoview.CompareOptions{Patience: time.Millisecond, Most: 1}); len(c.Different) != 1 || c.Differing != 3 {
		t.Errorf("told of %d differences of %d", len(c.Different), c.Differing)
	}
}

// A row that one of the views is only about to have is waited for, and what an end
// left behind is no difference, in whatever order it was tidied up.
func TestRowsOnTheirWayAreNoDifference(t *testing.T) {
	p := newPair(t)
	user, group := uuid.Must(uuid.NewV7()), uuid.Must(uuid.NewV7())
	made := []eventstream.Commit{
		commit(t, eventstream.UserStream(user), 1, named(t, "ada")), commit(t, eventstream.GroupStream(group), 1),
		commit(t, eventstream.MemberStream(group, user), 1, domain.SetMember{Present: true, Kind: domain.UserMember}),
	}
	removed := commit(t, eventstream.GroupStream(group), 2, domain.SetRemoved{Removed: true})
	p.apply(append(made, removed), 0)
	for {
		rows, err := p.views[0].Tidy(t.Context(), removed.Stream)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.views[0].Tidied(t.Context(), removed.Stream, rows); err != nil {
			t.Fatal(err)
		}
		if len(rows) == 0 {
			break
		}
	}
	p.apply(made, 1)
	late := sync.OnceFunc(func() { p.apply([]eventstream.Commit{removed}, 1) })
	c := p.compare(dynamoview.CompareOptions{Pace: func() func(context.Context, int) error {
		pages := 0
		var mu sync.Mutex
		return func(context.Context, int) error {
			mu.Lock()
			defer mu.Unlock()
			if pages++; pages == 2*8 { // the rows were seen as they were, and differ
				late()
			}
			return nil
		}
	}()})
	if len(c.Different) != 0 {
		t.Errorf("rows that are the same by now: %+v", c)
	}
}

// Marks are those of the view before, and a table that is removed is gone.
func TestMarksAreCopiedAndTablesRemoved(t *testing.T) {
	p := newPair(t)
	mark := eventstream.Position{Stream: eventstream.UsersStream(3), Seq: 17}
	if err := p.views[0].SetMark(t.Context(), mark); err != nil {
		t.Fatal(err)
	}
	if err := p.views[1].CopyMarks(t.Context(), p.views[0]); err != nil {
		t.Fatal(err)
	}
	if seq, err := p.views[1].Mark(t.Context(), mark.Stream); seq != mark.Seq || err != nil {
		t.Errorf("the mark is %d, %v", seq, err)
	}
	for range 2 {
		if err := p.views[1].Remove(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	_, err := p.client.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: aws.String(p.tables[1])})
	var none *types.ResourceNotFoundException
	if !errors.As(err, &none) {
		t.Errorf("the table is still there: %v", err)
	}
}
