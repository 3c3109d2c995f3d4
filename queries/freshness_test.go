package queries_test

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/commands"
	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/memstore"
	"github.com/seed5b6a70b4/identity/queries"
)

func at(stream eventstream.StreamID, seq eventstream.Seq) eventstream.Position {
	return eventstream.Position{Stream: stream, Seq: seq}
}

var usersShard, groupsShard = eventstream.UsersStream(0), eventstream.GroupsStream(0)

func TestWithoutATokenTheViewAnswersAsItIs(t *testing.T) {
	d := newDirectory(t)
	d.deaf.Store(true)
	ada := d.user("ada").User
	_, err := d.reader.User(t.Context(), ada.ID, queries.Freshness{})
	isErr(t, "a user that the view has not heard of", err, domain.NotFound)
	page, err := d.reader.Users(t.Context(), queries.Criteria{}, queries.Listing{}, queries.Freshness{})
	if err != nil || len(page.Items) != 0 {
		t.Errorf("users: %v, %v", page.Items, err)
	}
}

// TestATokenForcesTheView reads by every position that could name a write, from
// a view that was not told of it.
func TestATokenForcesTheView(t *testing.T) {
	for _, name := range []string{"its own stream", "its shard", "the log"} {
		t.Run(name, func(t *testing.T) {
			d := newDirectory(t)
			d.deaf.Store(true)
			ada, group := d.user("ada"), d.group("readers")
			edge := d.addMember(group.Group.ID, ada.User.ID.UUID)
			key := d.do(commands.CreateKey{Label: text(t, "key"), Scopes: []domain.Scope{domain.ReadScope}})
			streams := map[string]eventstream.Token{
				"user":   {at(eventstream.UserStream(ada.User.ID.UUID), 1)},
				"group":  {at(eventstream.GroupStream(group.Group.ID.UUID), 1)},
				"member": edge.Entity,
				"key":    key.Entity,
			}
			switch name {
			case "its shard":
				streams["user"], streams["group"] = eventstream.Token{at(usersShard, 1)}, eventstream.Token{at(groupsShard, 1)}
			case "the log":
				for what := range streams {
					streams[what] = eventstream.Token{at(eventstream.LogStream, eventstream.Seq(d.store.End()))}
				}
			}
			_, err := d.reader.User(t.Context(), ada.User.ID, queries.Freshness{AtLeast: streams["user"]})
			isErr(t, "user", err, nil)
			_, err = d.reader.Group(t.Context(), group.Group.ID, queries.Freshness{AtLeast: streams["group"]})
			isErr(t, "group", err, nil)
			_, err = d.reader.Membership(t.Context(), group.Group.ID, ada.User.ID.UUID, queries.Freshness{AtLeast: streams["member"]})
			isErr(t, "membership", err, nil)
			_, err = d.reader.Key(t.Context(), key.Key.ID, queries.Freshness{AtLeast: streams["key"]})
			isErr(t, "key", err, nil)
		})
	}
}

func TestLatestForcesTheView(t *testing.T) {
	d := newDirectory(t)
	latest := queries.Freshness{Latest: true}
	ada, group := d.user("ada").User, d.group("readers").Group
	key := d.do(commands.CreateKey{Label: text(t, "key"), Scopes: []domain.Scope{domain.ReadScope}}).Key
	d.deaf.Store(true)
	d.rename(ada.ID, "lovelace")
	d.addMember(group.ID, ada.ID.UUID)
	user, err := d.reader.User(t.Context(), ada.ID, latest)
	if err != nil || user.Value.Username.String() != "lovelace" {
		t.Errorf("user: %v, %v", user.Value, err)
	}
	_, err = d.reader.Membership(t.Context(), group.ID, ada.ID.UUID, latest)
	isErr(t, "membership", err, nil)
	d.do(commands.RevokeKey{ID: key.ID})
	_, err = d.reader.Key(t.Context(), key.ID, latest)
	isErr(t, "a key that was revoked", err, domain.NotFound)
	d.do(commands.DeleteGroup{ID: group.ID})
	_, err = d.reader.Membership(t.Context(), group.ID, ada.ID.UUID, latest)
	isErr(t, "membership of a group that is gone", err, domain.NotFound)
	_, err = d.reader.Group(t.Context(), group.ID, latest)
	isErr(t, "a group that is gone", err, domain.NotFound)
}

func TestLatestOfManyIsTheEndOfTheLog(t *testing.T) {
	d := newDirectory(t)
	d.run()
	d.deaf.Store(true)
	ada, group := d.user("ada").User, d.group("readers").Group
	d.addMember(group.ID, ada.ID.UUID)
	latest := queries.Freshness{Latest: true}
	users, err := d.reader.Users(t.Context(), queries.Criteria{}, queries.Listing{}, latest)
	if err != nil || len(users.Items) != 1 {
		t.Errorf("users: %v, %v", users.Items, err)
	}
	shows(t, "users rest on", users.RestsOn, at(eventstream.LogStream, eventstream.Seq(d.store.End())))
	d.rename(ada.ID, "lovelace")
	found, err := d.reader.Users(t.Context(), queries.Criteria{Text: "lovelace"}, queries.Listing{}, latest)
	if err != nil || len(found.Items) != 1 {
		t.Errorf("found: %v, %v", found.Items, err)
	}
	members, err := d.reader.Members(t.Context(), group.ID, queries.Listing{}, latest)
	if err != nil || len(members.Items) != 1 {
		t.Errorf("members: %v, %v", members.Items, err)
	}
}

func TestLatestOfManyNeedsALog(t *testing.T) {
	d := newDirectoryOn(t, func(s *memstore.Store) eventstream.Store { return struct{ eventstream.Store }{s} })
	ada := d.user("ada").User
	latest := queries.Freshness{Latest: true}
	_, err := d.reader.Users(t.Context(), queries.Criteria{}, queries.Listing{}, latest)
	isErr(t, "users", err, queries.ErrLatestUnavailable)
	_, err = d.reader.Users(t.Context(), queries.Criteria{Text: "a"}, queries.Listing{}, latest)
	isErr(t, "search", err, queries.ErrLatestUnavailable)
	_, err = d.reader.User(t.Context(), ada.ID, latest)
	isErr(t, "one user", err, nil)
}

func TestAPositionFromTheFutureIsRefused(t *testing.T) {
	d := newDirectory(t)
	d.run()
	ada := d.user("ada").User
	id := ada.ID.UUID
	for _, position := range []eventstream.Position{
		at(eventstream.UserStream(id), 2), at(eventstream.GroupStream(id), 1), at(eventstream.KeyStream(id), 1), at(eventstream.MemberStream(id, id), 1),
		at(usersShard, 2), at(groupsShard, 1), at(eventstream.LogStream, eventstream.Seq(d.store.End())+1),
		at(eventstream.NestingStream, 1), at("changes/0", 1),
	} {
		fresh := queries.Freshness{AtLeast: eventstream.Token{position}}
		_, err := d.reader.User(t.Context(), ada.ID, fresh)
		isErr(t, "user with "+string(position.Stream), err, eventstream.ErrUnknownPosition)
		_, err = d.reader.Users(t.Context(), queries.Criteria{}, queries.Listing{}, fresh)
		isErr(t, "users with "+string(position.Stream), err, eventstream.ErrUnknownPosition)
		_, err = d.reader.Users(t.Context(), queries.Criteria{Text: "ada"}, queries.Listing{}, fresh)
		isErr(t, "search with "+string(position.Stream), err, eventstream.ErrUnknownPosition)
		_, err = d.reader.UserHistory(t.Context(), ada.ID, queries.Recall{}, fresh)
		isErr(t, "history with "+string(position.Stream), err, eventstream.ErrUnknownPosition)
		_, err = d.reader.UserAt(t.Context(), ada.ID, queries.Moment{Seq: 1}, fresh)
		isErr(t, "the past with "+string(position.Stream), err, eventstream.ErrUnknownPosition)
		_, err = d.reader.UserByUsername(t.Context(), "ada", fresh)
		isErr(t, "look-up with "+string(position.Stream), err, eventstream.ErrUnknownPosition)
		isErr(t, "write with "+string(position.Stream), d.reader.Validate(t.Context(), fresh.AtLeast), eventstream.ErrUnknownPosition)
	}
}

func TestAWriteNeedsOnlyThatThePositionsExist(t *testing.T) {
	d := newDirectory(t)
	d.deaf.Store(true)
	result := d.user("ada")
	token := result.Wrote.Merge(eventstream.Token{at(eventstream.LogStream, eventstream.Seq(d.store.End())), at(eventstream.StoreStream, 1)})
	isErr(t, "what was written", d.reader.Validate(t.Context(), token), nil)
	isErr(t, "nothing", d.reader.Validate(t.Context(), nil), nil)
	isErr(t, "nesting from the future", d.reader.Validate(t.Context(), eventstream.Token{at(eventstream.NestingStream, 1)}), eventstream.ErrUnknownPosition)
	if seq, err := d.view.Seq(t.Context(), eventstream.UserStream(result.User.ID.UUID)); err != nil || seq != 0 {
		t.Errorf("the view was forced to %d, %v", seq, err)
	}
}

func TestAStreamThatTheViewDoesNotShowIsSatisfied(t *testing.T) {
	d := newDirectory(t)
	ada := d.user("ada").User
	d.addMember(d.group("all").Group.ID, d.group("some").Group.ID.UUID)
	fresh := queries.Freshness{AtLeast: eventstream.NewToken(at(eventstream.NestingStream, 1), at(eventstream.StoreStream, 1))}
	_, err := d.reader.User(t.Context(), ada.ID, fresh)
	isErr(t, "user", err, nil)
}

func TestWhatIsParkedIsSaid(t *testing.T) {
	d := newDirectory(t)
	d.run()
	ada, bob := d.user("ada").User, d.user("bob").User
	stream := eventstream.UserStream(ada.ID.UUID)
	d.appendRaw(`[{"type":"SetShoeSize","v":1,"data":{}}]`, at(stream, 2), at(usersShard, 3))
	forced := queries.Freshness{AtLeast: eventstream.Token{at(stream, 2)}}
	named := queries.Freshness{AtLeast: eventstream.Token{at(usersShard, 3)}}
	for what, fresh := range map[string]queries.Freshness{"its own stream": forced, "its shard": named} {
		_, err := d.reader.User(t.Context(), ada.ID, fresh)
		isErr(t, "user by "+what, err, eventstream.ErrParked)
		_, err = d.reader.Users(t.Context(), queries.Criteria{}, queries.Listing{}, fresh)
		isErr(t, "users by "+what, err, eventstream.ErrParked)
		_, err = d.reader.Users(t.Context(), queries.Criteria{Text: "ada"}, queries.Listing{}, fresh)
		isErr(t, "search by "+what, err, eventstream.ErrParked)
	}
	_, err := d.reader.User(t.Context(), ada.ID, queries.Freshness{Latest: true})
	isErr(t, "the latest of it", err, eventstream.ErrParked)
	for what, criteria := range map[string]queries.Criteria{"all": {}, "those found": {Text: "bob"}} {
		_, err = d.reader.Users(t.Context(), criteria, queries.Listing{}, queries.Freshness{Latest: true})
		isErr(t, "the latest of "+what, err, eventstream.ErrParked)
		_, err = d.reader.Users(t.Context(), criteria, queries.Listing{}, quick(at(eventstream.LogStream, eventstream.Seq(d.store.End()))))
		isErr(t, what+" up to a position", err, nil)
	}
	_, err = d.reader.UserAt(t.Context(), ada.ID, queries.Moment{Seq: 2}, queries.Freshness{})
	isErr(t, "its past", err, eventstream.ErrParked)
	_, err = d.reader.User(t.Context(), ada.ID, queries.Freshness{})
	isErr(t, "it, without a token", err, nil)
	_, err = d.reader.UserAt(t.Context(), ada.ID, queries.Moment{Seq: 1}, queries.Freshness{})
	isErr(t, "its past before that", err, nil)
	_, err = d.reader.User(t.Context(), bob.ID, queries.Freshness{AtLeast: eventstream.Token{at(usersShard, 2)}, Latest: true})
	isErr(t, "another one", err, nil)
}

// appendRaw writes the same data to streams, each at a number.
func (d *directory) appendRaw(data string, positions ...eventstream.Position) {
	d.t.Helper()
	tx := eventstream.Transaction{Command: uuid.New(), Actor: "test"}
	for _, position := range positions {
		tx.Entries = append(tx.Entries, eventstream.Entry{Stream: position.Stream, Expect: eventstream.Exactly(position.Seq - 1), Data: []byte(data)})
	}
	if _, err := d.store.Append(d.t.Context(), tx); err != nil {
		d.t.Fatal(err)
	}
}

// unreadable is a store of which streams cannot be read, while it is broken.
type unreadable struct {
	*memstore.Store
	broken *bool
}

var errBroken = fmt.Errorf("broken by the test: %w", eventstream.ErrUnavailable)

func (u unreadable) Read(ctx context.Context, stream eventstream.StreamID, after eventstream.Seq) iter.Seq2[eventstream.Commit, error] {
	if *u.broken {
		return func(yield func(eventstream.Commit, error) bool) { yield(eventstream.Commit{}, errBroken) }
	}
	return u.Store.Read(ctx, stream, after)
}

func (u unreadable) Tail(ctx context.Context, after uint64) iter.Seq2[[]eventstream.Commit, error] {
	if *u.broken {
		return func(yield func([]eventstream.Commit, error) bool) { yield(nil, errBroken) }
	}
	return u.Store.Tail(ctx, after)
}

func TestAViewThatDoesNotGetThereIsBehind(t *testing.T) {
	broken := false
	d := newDirectoryOn(t, func(s *memstore.Store) eventstream.Store { return unreadable{s, &broken} })
	group := d.group("readers").Group
	d.deaf.Store(true)
	ada := d.user("ada")
	id := ada.User.ID
	broken = true
	for _, position := range slices.Concat(ada.Wrote, eventstream.Token{at(eventstream.LogStream, eventstream.Seq(d.store.End()))}) {
		fresh := quick(position)
		_, err := d.reader.User(t.Context(), id, fresh)
		isErr(t, "user", err, eventstream.ErrBehind)
		_, err = d.reader.Users(t.Context(), queries.Criteria{}, queries.Listing{}, fresh)
		isErr(t, "users", err, eventstream.ErrBehind)
		_, err = d.reader.Users(t.Context(), queries.Criteria{Text: "ada"}, queries.Listing{}, fresh)
		isErr(t, "search", err, eventstream.ErrBehind)
		_, err = d.reader.Members(t.Context(), group.ID, queries.Listing{}, fresh)
		isErr(t, "members", err, eventstream.ErrBehind)
	}
	_, err := d.reader.User(t.Context(), id, queries.Freshness{Latest: true, Wait: time.Millisecond})
	isErr(t, "the latest", err, eventstream.ErrBehind)
	_, err = d.reader.UserByUsername(t.Context(), "ada", queries.Freshness{Wait: time.Millisecond})
	isErr(t, "look-up", err, eventstream.ErrBehind)
	_, err = d.reader.UserHistory(t.Context(), id, queries.Recall{}, queries.Freshness{})
	isErr(t, "history", err, eventstream.ErrUnavailable)
	_, err = d.reader.UserAt(t.Context(), id, queries.Moment{Seq: 1}, queries.Freshness{})
	isErr(t, "the past", err, eventstream.ErrUnavailable)
}

func TestSearchIsForcedByWhatATokenNames(t *testing.T) {
	d := newDirectory(t) // the index follows nobody but readers
	d.deaf.Store(true)
	ada, group := d.user("ada"), d.group("readers")
	edge := d.addMember(group.Group.ID, ada.User.ID.UUID)
	find := func(criteria queries.Criteria, token ...eventstream.Position) ([]domain.User, error) {
		fresh := queries.Freshness{AtLeast: eventstream.NewToken(token...), Wait: 5 * time.Second}
		page, err := d.reader.Users(t.Context(), criteria, queries.Listing{}, fresh)
		return page.Items, err
	}
	if found, err := find(queries.Criteria{Text: "ada"}); err != nil || len(found) != 0 {
		t.Errorf("without a token: %v, %v", found, err)
	}
	if found, err := find(queries.Criteria{Text: "ada"}, ada.Entity...); err != nil || len(found) != 1 {
		t.Errorf("with the user's token: %v, %v", found, err)
	}
	if found, err := find(queries.Criteria{Group: group.Group.ID}, edge.Entity...); err != nil || len(found) != 1 {
		t.Errorf("with the edge's token: %v, %v", found, err)
	}
	_, err := d.reader.Users(t.Context(), queries.Criteria{Text: "ada"}, queries.Listing{}, quick(at(usersShard, 1)))
	isErr(t, "with the shard's token", err, eventstream.ErrBehind)
	d.run()
	page, err := d.reader.Users(t.Context(), queries.Criteria{Text: "ada"}, queries.Listing{}, queries.Freshness{AtLeast: eventstream.Token{at(usersShard, 1)}})
	if err != nil || len(page.Items) != 1 {
		t.Errorf("with the shard's token: %v, %v", page.Items, err)
	}
}

func TestTheTokenOfAnEdgeShowsItFromBothSides(t *testing.T) {
	d := newDirectory(t)
	d.deaf.Store(true)
	ada, inner, outer := d.user("ada").User, d.group("inner").Group, d.group("outer").Group
	user := queries.Freshness{AtLeast: d.addMember(outer.ID, ada.ID.UUID).Entity}
	group := queries.Freshness{AtLeast: d.addMember(outer.ID, inner.ID.UUID).Entity}
	members, err := d.reader.Members(t.Context(), outer.ID, queries.Listing{}, user)
	if err != nil || len(members.Items) != 1 || members.Items[0].Member != ada.ID.UUID {
		t.Errorf("members: %v, %v", members.Items, err)
	}
	groups, err := d.reader.GroupsOfUser(t.Context(), ada.ID, queries.Listing{}, user)
	if err != nil || len(groups.Items) != 1 {
		t.Errorf("groups of the user: %v, %v", groups.Items, err)
	}
	groups, err = d.reader.GroupsOfGroup(t.Context(), inner.ID, queries.Listing{}, group)
	if err != nil || len(groups.Items) != 1 {
		t.Errorf("groups of the group: %v, %v", groups.Items, err)
	}
}

// slow is a store whose heads are not told before the caller gives up.
type slow struct {
	*memstore.Store
	is *bool
}

func (s slow) Head(ctx context.Context, stream eventstream.StreamID) (eventstream.Seq, error) {
	if *s.is {
		<-ctx.Done()
		return 0, ctx.Err()
	}
	return s.Store.Head(ctx, stream)
}

func TestAStoreThatIsSlowMakesTheLatestBehind(t *testing.T) {
	isSlow := false
	d := newDirectoryOn(t, func(s *memstore.Store) eventstream.Store { return slow{s, &isSlow} })
	ada := d.user("ada").User
	isSlow = true
	_, err := d.reader.User(t.Context(), ada.ID, queries.Freshness{Latest: true, Wait: time.Millisecond})
	isErr(t, "the latest", err, eventstream.ErrBehind)
}

// TestTheDeck is the flow of tokens as it is drawn: make a user, make a group,
// put one into the other, and see it wherever it is looked for.
func TestTheDeck(t *testing.T) {
	d := newDirectory(t)
	d.run()
	d.deaf.Store(true)
	user, group := d.user("ada"), d.group("readers")
	both := user.Wrote.Merge(group.Wrote)
	isErr(t, "the write that sends both", d.reader.Validate(t.Context(), both), nil)
	edge := d.addMember(group.Group.ID, user.User.ID.UUID)
	fresh := queries.Freshness{AtLeast: both.Merge(edge.Wrote)}
	members, err := d.reader.Members(t.Context(), group.Group.ID, queries.Listing{}, fresh)
	if err != nil || len(members.Items) != 1 || members.Items[0].Member != user.User.ID.UUID {
		t.Errorf("members: %v, %v", members.Items, err)
	}
	groups, err := d.reader.GroupsOfUser(t.Context(), user.User.ID, queries.Listing{}, fresh)
	if err != nil || len(groups.Items) != 1 {
		t.Errorf("groups of the user: %v, %v", groups.Items, err)
	}
	found, err := d.reader.Users(t.Context(), queries.Criteria{Text: "ad", Group: group.Group.ID}, queries.Listing{}, fresh)
	if err != nil || len(found.Items) != 1 {
		t.Errorf("found: %v, %v", found.Items, err)
	}
	// What an answer rests on is good for the next question.
	again, err := d.reader.Users(t.Context(), queries.Criteria{Text: "ad"}, queries.Listing{}, queries.Freshness{AtLeast: members.RestsOn})
	if err != nil || len(again.Items) != 1 {
		t.Errorf("found again: %v, %v", again.Items, err)
	}
}
