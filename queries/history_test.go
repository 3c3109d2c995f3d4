package queries_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/commands"
	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/queries"
)

func TestHistoryIsEveryCommit(t *testing.T) {
	d := newDirectory(t)
	began := d.clock
	ada := d.user("ada").User
	d.clock = d.clock.Add(time.Hour)
	d.rename(ada.ID, "lovelace")
	d.clock = d.clock.Add(time.Hour)
	d.do(commands.DeleteUser{ID: ada.ID})
	for _, limit := range []int{1, 2, 3, 500} {
		changes := walkAll(t, limit, func() {}, func(listing queries.Listing) (queries.Page[queries.Commit], error) {
			return d.reader.UserHistory(t.Context(), ada.ID, queries.Recall{Listing: listing}, queries.Freshness{})
		})
		if len(changes) != 3 {
			t.Fatalf("limit %d: %v", limit, changes)
		}
		for i, change := range changes {
			if change.Seq != eventstream.Seq(i+1) || change.Actor != "test" || change.Command == uuid.Nil || len(change.Events) == 0 {
				t.Errorf("change %d: %+v", i, change)
			}
			if want := began.Add(time.Duration(i) * time.Hour); !change.Time.Equal(want) {
				t.Errorf("change %d is of %v, not %v", i, change.Time, want)
			}
		}
		if last := changes[2].Events[len(changes[2].Events)-1]; last.Type != "SetRemoved" {
			t.Errorf("the last event is %s", last.Type)
		}
	}
	_, err := d.reader.UserHistory(t.Context(), domain.NewID[domain.User](), queries.Recall{}, queries.Freshness{})
	isErr(t, "the history of nobody", err, domain.NotFound)
	_, err = d.reader.GroupHistory(t.Context(), domain.GroupID{UUID: ada.ID.UUID}, queries.Recall{}, queries.Freshness{})
	isErr(t, "the history of a user as a group", err, domain.NotFound)
}

func TestHistoryKeepsWhatThisBuildDoesNotKnow(t *testing.T) {
	d := newDirectory(t)
	group := d.group("readers").Group
	d.appendRaw(`[{"type":"SetMotto","v":2,"data":{"motto":"per aspera","lang":"la"}}]`, at(eventstream.GroupStream(group.ID.UUID), 2))
	page, err := d.reader.GroupHistory(t.Context(), group.ID, queries.Recall{}, queries.Freshness{})
	if err != nil || len(page.Items) != 2 {
		t.Fatalf("history: %v, %v", page.Items, err)
	}
	event := page.Items[1].Events[0]
	if event.Type != "SetMotto" || event.Version != 2 || string(event.Data) != `{"motto":"per aspera","lang":"la"}` {
		t.Errorf("event: %s version %d %s", event.Type, event.Version, event.Data)
	}
}

func TestHistoryThatIsDamagedIsSaid(t *testing.T) {
	d := newDirectory(t)
	ada := d.user("ada").User
	d.appendRaw(`no JSON`, at(eventstream.UserStream(ada.ID.UUID), 2))
	_, err := d.reader.UserHistory(t.Context(), ada.ID, queries.Recall{}, queries.Freshness{})
	isErr(t, "history", err, eventstream.ErrCorrupt)
}

func TestThePast(t *testing.T) {
	d := newDirectory(t)
	hour := func(n float64) time.Time {
		return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(n * float64(time.Hour)))
	}
	d.clock = hour(1)
	ada, group := d.user("ada").User, d.group("readers").Group
	d.clock = hour(2)
	d.rename(ada.ID, "lovelace")
	d.do(commands.UpdateGroup{ID: group.ID, Name: commands.To(parsed(t, domain.ParseGroupName, "writers"))})
	d.do(commands.UpdateUser{ID: ada.ID, Name: commands.To(text(t, "Ada Lovelace"))}) // in the same millisecond
	_, err := d.reader.UserAt(t.Context(), ada.ID, queries.Moment{Seq: 4}, queries.Freshness{})
	isErr(t, "a commit that the user has not", err, domain.NotFound)
	d.clock = hour(3)
	d.do(commands.DeleteUser{ID: ada.ID})
	for _, c := range []struct {
		what     string
		at       queries.Moment
		username string // empty: not found
		seq      eventstream.Seq
	}{
		{"before it was made", queries.Moment{Time: hour(0.9)}, "", 0},
		{"a millisecond before", queries.Moment{Time: hour(1).Add(-time.Millisecond)}, "", 0},
		{"when it was made", queries.Moment{Time: hour(1)}, "ada", 1},
		{"between", queries.Moment{Time: hour(1.5)}, "ada", 1},
		{"just before the change", queries.Moment{Time: hour(2).Add(-time.Nanosecond)}, "ada", 1},
		{"at the change", queries.Moment{Time: hour(2)}, "lovelace", 3},
		{"in another zone", queries.Moment{Time: hour(2.5).In(time.FixedZone("", 3600))}, "lovelace", 3},
		{"when it was removed", queries.Moment{Time: hour(3)}, "", 0},
		{"long after", queries.Moment{Time: hour(1000)}, "", 0},
		{"seq 1", queries.Moment{Seq: 1}, "ada", 1},
		{"seq 2", queries.Moment{Seq: 2}, "lovelace", 2},
		{"seq 3", queries.Moment{Seq: 3}, "lovelace", 3},
		{"seq 4, the removal", queries.Moment{Seq: 4}, "", 0},
		{"seq 5, which is not", queries.Moment{Seq: 5}, "", 0},
		{"no moment", queries.Moment{}, "", 0},
	} {
		entity, err := d.reader.UserAt(t.Context(), ada.ID, c.at, queries.Freshness{})
		if c.username == "" {
			isErr(t, c.what, err, domain.NotFound)
			continue
		}
		if err != nil || entity.Value.Username.String() != c.username || entity.Value.ID != ada.ID {
			t.Errorf("%s: %v, %v", c.what, entity.Value, err)
		}
		shows(t, c.what, entity.Shows, at(eventstream.UserStream(ada.ID.UUID), c.seq))
	}
	for what, moment := range map[string]queries.Moment{"readers": {Seq: 1}, "writers": {Time: hour(9)}} {
		entity, err := d.reader.GroupAt(t.Context(), group.ID, moment, queries.Freshness{})
		if err != nil || entity.Value.Name.String() != what {
			t.Errorf("%s: %v, %v", what, entity.Value.Name, err)
		}
	}
	_, err = d.reader.GroupAt(t.Context(), group.ID, queries.Moment{Seq: 3}, queries.Freshness{})
	isErr(t, "a commit that the group has not", err, domain.NotFound)
	_, err = d.reader.UserAt(t.Context(), domain.NewID[domain.User](), queries.Moment{Seq: 1}, queries.Freshness{})
	isErr(t, "nobody", err, domain.NotFound)
}
