package queries_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/commands"
	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/memstore"
	"github.com/seed5b6a70b4/identity/queries"
)

// person is somebody with every unique value.
func (d *directory) person() domain.User {
	d.t.Helper()
	return *d.do(commands.CreateUser{
		Username:   parsed(d.t, domain.ParseUsername, "Ada"),
		Email:      parsed(d.t, domain.ParseEmail, "Ada@Example.org"),
		ExternalID: parsed(d.t, domain.ParseExternalID, "hr-1"),
	}).User
}

type userLookUp func(context.Context, string, queries.Freshness) (queries.Entity[domain.User], error)

func TestALookUpComparesAsUniquenessDoes(t *testing.T) {
	d := newDirectory(t)
	ada := d.person()
	group := d.do(commands.CreateGroup{Name: parsed(t, domain.ParseGroupName, "The  Readers"), ExternalID: parsed(t, domain.ParseExternalID, "hr-2")}).Group
	long := strings.Repeat("x", 400)
	for _, look := range []struct {
		what     string
		by       userLookUp
		finds    []string
		findsNot []string
	}{
		{"username", d.reader.UserByUsername, []string{"ada", "ADA", "Ａｄａ"}, []string{"", "ad", "ada ", "a b", "\x00", "\xff", long}},
		{"email", d.reader.UserByEmail, []string{"ada@example.org", "ADA@EXAMPLE.ORG"}, []string{"", "ada", "ada@", "ada@example.com", "\xff@example.org", long}},
		{"external id", d.reader.UserByExternalID, []string{"hr-1"}, []string{"", "HR-1", "hr-2", "\xff", long}},
	} {
		for _, text := range look.finds {
			entity, err := look.by(t.Context(), text, queries.Freshness{})
			if err != nil || entity.Value.ID != ada.ID {
				t.Errorf("%s %q: %v, %v", look.what, text, entity.Value.ID, err)
			}
			shows(t, look.what, entity.Shows, at(eventstream.UserStream(ada.ID.UUID), 1))
		}
		for _, text := range look.findsNot {
			entity, err := look.by(t.Context(), text, queries.Freshness{})
			isErr(t, look.what+" "+text, err, domain.NotFound)
			shows(t, "none rests on", entity.Shows, at(eventstream.LogStream, eventstream.Seq(d.store.End())))
		}
	}
	for what, text := range map[string]string{"name": "the readers", "external id": "hr-2"} {
		by := d.reader.GroupByName
		if what != "name" {
			by = d.reader.GroupByExternalID
		}
		entity, err := by(t.Context(), text, queries.Freshness{})
		if err != nil || entity.Value.ID != group.ID {
			t.Errorf("group by %s: %v, %v", what, entity.Value.ID, err)
		}
		for _, text := range []string{"", "hr-1", "\xff", long} {
			_, err = by(t.Context(), text, queries.Freshness{})
			isErr(t, what+" "+text, err, domain.NotFound)
		}
	}
}

func TestALookUpIsCurrentWithoutAToken(t *testing.T) {
	d := newDirectory(t)
	d.deaf.Store(true)
	ada := d.person()
	group := d.group("readers").Group
	for what, by := range map[string]userLookUp{"ada": d.reader.UserByUsername, "ada@example.org": d.reader.UserByEmail, "hr-1": d.reader.UserByExternalID} {
		entity, err := by(t.Context(), what, queries.Freshness{})
		if err != nil || entity.Value.ID != ada.ID {
			t.Errorf("%s: %v, %v", what, entity.Value.ID, err)
		}
	}
	found, err := d.reader.GroupByName(t.Context(), "readers", queries.Freshness{})
	if err != nil || found.Value.ID != group.ID {
		t.Errorf("readers: %v, %v", found.Value.ID, err)
	}
	d.rename(ada.ID, "lovelace")
	_, err = d.reader.UserByUsername(t.Context(), "ada", queries.Freshness{})
	isErr(t, "a name that was given up", err, domain.NotFound)
	renamed, err := d.reader.UserByUsername(t.Context(), "lovelace", queries.Freshness{})
	if err != nil || renamed.Value.ID != ada.ID {
		t.Errorf("lovelace: %v, %v", renamed.Value.ID, err)
	}
	d.do(commands.DeleteUser{ID: ada.ID})
	_, err = d.reader.UserByUsername(t.Context(), "lovelace", queries.Freshness{})
	isErr(t, "the name of one who is gone", err, domain.NotFound)
}

func TestALookUpOfTheLatestIsAtTheHead(t *testing.T) {
	d := newDirectory(t)
	ada := d.person()
	d.deaf.Store(true)
	d.do(commands.UpdateUser{ID: ada.ID, Name: commands.To(text(t, "Ada Lovelace"))})
	entity, err := d.reader.UserByUsername(t.Context(), "ada", queries.Freshness{})
	if err != nil || entity.Value.Seq != 1 {
		t.Errorf("without: %v, %v", entity.Value.Seq, err)
	}
	entity, err = d.reader.UserByUsername(t.Context(), "ada", queries.Freshness{Latest: true})
	if err != nil || entity.Value.Seq != 2 {
		t.Errorf("latest: %v, %v", entity.Value.Seq, err)
	}
}

// meddling does something after a claim was read and before its owner is.
type meddling struct {
	*memstore.Store
	meddle *func()
}

func (m meddling) Last(ctx context.Context, stream eventstream.StreamID) (eventstream.Commit, error) {
	last, err := m.Store.Last(ctx, stream)
	if meddle := *m.meddle; meddle != nil && stream.Kind() == eventstream.ClaimKind {
		*m.meddle = nil
		meddle()
	}
	return last, err
}

func TestAValueThatChangesHandsWhileItIsLookedUp(t *testing.T) {
	var meddle func()
	d := newDirectoryOn(t, func(s *memstore.Store) eventstream.Store { return meddling{s, &meddle} })
	d.handler = commands.New(d.streams, d.settled, &commands.Options{Quarantine: quarantine(0)})
	ada, bob := d.user("ada").User, d.user("bob").User
	meddle = func() {
		d.rename(ada.ID, "lovelace")
		d.rename(bob.ID, "ada")
	}
	entity, err := d.reader.UserByUsername(t.Context(), "ada", queries.Freshness{})
	if err != nil || entity.Value.ID != bob.ID {
		t.Errorf("ada: %v, %v; not %v", entity.Value.ID, err, bob.ID)
	}
	meddle = func() { d.do(commands.DeleteUser{ID: bob.ID}) }
	_, err = d.withoutHints().UserByUsername(t.Context(), "ada", queries.Freshness{})
	isErr(t, "one who goes away", err, domain.NotFound)
	_, err = d.reader.UserByUsername(t.Context(), "ada", queries.Freshness{})
	isErr(t, "one who went away", err, domain.NotFound)
}

func TestAClaimThatCannotBeReadIsNoAnswer(t *testing.T) {
	d := newDirectory(t)
	stream := eventstream.ClaimStream("username", secret.Key(domain.UsernameClaim, "ada"))
	d.appendRaw(`[{"type":"SetShoeSize","v":1,"data":{}}]`, at(stream, 1))
	_, err := d.reader.UserByUsername(t.Context(), "ada", queries.Freshness{})
	isErr(t, "an event from the future", err, domain.ErrUnknownEvent)
	_, err = d.reader.User(t.Context(), domain.UserID{UUID: uuid.UUID{1}}, queries.Freshness{})
	isErr(t, "nobody", err, domain.NotFound)
}

func quarantine(duration time.Duration) *time.Duration { return &duration }
