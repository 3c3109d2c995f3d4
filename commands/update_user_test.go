package commands_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed5b6a70b4/identity/commands"
	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

func annaAt(seq eventstream.Seq) eventstream.Token {
	return eventstream.NewToken(eventstream.Position{Stream: eventstream.UserStream(ids["anna"]), Seq: seq})
}

func ifAt(tags ...eventstream.Token) commands.Condition {
	return commands.Condition{Given: true, Tags: tags}
}

var ifAny = commands.Condition{Given: true, Exists: true}

func TestUpdateUser(t *testing.T) {
	run(t, []scenario{
		{
			name:  "a field that no list shows is written to the user alone",
			given: anna,
			when:  commands.UpdateUser{ID: userID("anna"), Name: commands.To(text("Anna B")), GivenName: commands.To(text("Anna")), FamilyName: commands.To(text("B"))},
			then:  `user/$anna SetName{"name":"Anna B"} SetGivenName{"givenName":"Anna"} SetFamilyName{"familyName":"B"}`,
		},
		{
			name:  "what is as it was is not written",
			given: anna,
			when:  commands.UpdateUser{ID: userID("anna"), Username: commands.To(username("anna")), Active: commands.To(true), Name: commands.To(text("Anna"))},
			then:  `user/$anna SetName{"name":"Anna"}`,
		},
		{
			name:  "if nothing changes, nothing is written",
			given: anna,
			when:  commands.UpdateUser{ID: userID("anna"), Email: commands.To(email("a@x.org")), Attributes: domain.Attributes{"none": {}}},
		},
		{
			name:  "activity shows in lists",
			given: anna,
			when:  commands.UpdateUser{ID: userID("anna"), Active: commands.To(false)},
			then: `
				user/$anna SetActive{"active":false}
				users/0 $anna@2 SetActive{"active":false}
			`,
		},
		{
			name:  "another username claims it and releases the one before",
			given: anna,
			when:  commands.UpdateUser{ID: userID("anna"), Username: commands.To(username("Anna2"))},
			then: `
				user/$anna SetUsername{"username":"Anna2"}
				users/0 $anna@2 SetUsername{"username":"Anna2"}
				claim/username/anna2 SetOwner{"owner":"$anna","kind":"user","ownerSeq":2}
				claim/username/anna SetOwner{"ownerSeq":2,"former":"$anna"}
			`,
		},
		{
			name:  "another spelling of the same keeps the claim",
			given: anna,
			when:  commands.UpdateUser{ID: userID("anna"), Username: commands.To(username("ANNA")), Email: commands.To(email("A@X.org"))},
			then: `
				user/$anna SetUsername{"username":"ANNA"} SetEmail{"email":"A@X.org"}
				users/0 $anna@2 SetUsername{"username":"ANNA"} $anna@2 SetEmail{"email":"A@X.org"}
			`,
		},
		{
			name:  "optional values can be taken away",
			given: anna,
			when:  commands.UpdateUser{ID: userID("anna"), Email: commands.To(domain.Email{}), ExternalID: commands.To(domain.ExternalID{})},
			then: `
				user/$anna SetEmail{"email":null} SetExternalID{"externalId":null}
				users/0 $anna@2 SetEmail{"email":null}
				claim/email/a@x.org SetOwner{"ownerSeq":2,"former":"$anna"}
				claim/externalid/hr-1 SetOwner{"ownerSeq":2,"former":"$anna"}
			`,
		},
		{
			name:  "a value that one had before can be had again at once",
			given: anna + `user/$anna SetEmail{"email":null}` + "\n" + `claim/email/a@x.org SetOwner{"ownerSeq":2,"former":"$anna"}`,
			when:  commands.UpdateUser{ID: userID("anna"), Email: commands.To(email("a@x.org"))},
			then: `
				user/$anna SetEmail{"email":"a@x.org"}
				users/0 $anna@3 SetEmail{"email":"a@x.org"}
				claim/email/a@x.org SetOwner{"owner":"$anna","kind":"user","ownerSeq":3}
			`,
		},
		{
			name:    "the username cannot be taken away",
			given:   anna,
			when:    commands.UpdateUser{ID: userID("anna"), Username: commands.To(domain.Username{})},
			refused: "invalid",
		},
		{
			name:  "attributes are set and taken away one by one",
			given: anna + `user/$anna SetAttribute{"name":"a","value":1} SetAttribute{"name":"b","value":2} SetAttribute{"name":"c","value":3}`,
			when:  commands.UpdateUser{ID: userID("anna"), Attributes: domain.Attributes{"a": attribute("1"), "b": {}, "c": attribute("[3]"), "d": attribute("4")}},
			then:  `user/$anna SetAttribute{"name":"b","value":null} SetAttribute{"name":"c","value":[3]} SetAttribute{"name":"d","value":4}`,
		},
		{
			name:  "or all of them first",
			given: anna + `user/$anna SetAttribute{"name":"a","value":1} SetAttribute{"name":"b","value":2}`,
			when:  commands.UpdateUser{ID: userID("anna"), ClearAttributes: true, Attributes: domain.Attributes{"b": attribute("2")}},
			then:  `user/$anna SetAttribute{"name":"a","value":null}`,
		},
		{
			name:    "attributes keep to their limits together with those there are",
			given:   anna + `user/$anna SetAttribute{"name":"a","value":1}`,
			when:    commands.UpdateUser{ID: userID("anna"), Attributes: attributesOf(domain.MaxAttributes)},
			refused: "invalid",
		},
		{
			name:  "those taken away do not count",
			given: anna + `user/$anna SetAttribute{"name":"a","value":1}`,
			when: commands.UpdateUser{ID: userID("anna"), Attributes: func() domain.Attributes {
				few := attributesOf(1)
				few["a"] = domain.Attribute{}
				return few
			}()},
			then: `user/$anna SetAttribute{"name":"a","value":null} SetAttribute{"name":"name 0","value":1}`,
		},
		{
			name:    "somebody else's value is taken",
			given:   anna + `user/$bert SetUsername{"username":"bert"}`,
			when:    commands.UpdateUser{ID: userID("bert"), Email: commands.To(email("A@x.org"))},
			refused: "email_taken",
		},
		{name: "there must be a user", when: commands.UpdateUser{ID: userID("anna"), If: ifAny}, refused: "not_found"},
		{name: "a group is none", given: staff, when: commands.UpdateUser{ID: userID("staff")}, refused: "not_found"},
		{name: "nor is a removed one", given: anna + annaRemoved, when: commands.UpdateUser{ID: userID("anna"), Name: commands.To(text("x"))}, refused: "not_found"},
	})
}

func TestUpdateUserUnderACondition(t *testing.T) {
	rename := func(condition commands.Condition) commands.UpdateUser {
		return commands.UpdateUser{ID: userID("anna"), If: condition, Name: commands.To(text("Anna B"))}
	}
	written := `user/$anna SetName{"name":"Anna B"}`
	wide := annaAt(1).Merge(eventstream.NewToken(eventstream.Position{Stream: "users/0", Seq: 1}))
	group := eventstream.NewToken(eventstream.Position{Stream: eventstream.GroupStream(ids["anna"]), Seq: 1})
	run(t, []scenario{
		{name: "the tag is the user's", given: anna, when: rename(ifAt(annaAt(1))), then: written},
		{name: "one of the tags is", given: anna, when: rename(ifAt(annaAt(9), annaAt(1))), then: written},
		{name: "any will do", given: anna, when: rename(ifAny), then: written},
		{name: "the tag is from before", given: anna + written, when: rename(ifAt(annaAt(1))), refused: "stale"},
		{name: "the tag is from the future", given: anna, when: rename(ifAt(annaAt(2))), refused: "stale"},
		{name: "the tag is another entity's", given: anna, when: rename(ifAt(group)), refused: "stale"},
		{name: "the tag says more than the user", given: anna, when: rename(ifAt(wide)), refused: "stale"},
		{name: "no tag is ours", given: anna, when: rename(ifAt()), refused: "stale"},
		{name: "a change of nothing is refused as well", given: anna, when: commands.UpdateUser{ID: userID("anna"), If: ifAt()}, refused: "stale"},
	})
}

func TestAStaleConditionTellsTheTag(t *testing.T) {
	w := newWorld(t, commands.Options{})
	w.have(anna + `user/$anna SetName{"name":"Anna B"}`)
	_, err := w.handler.Do(t.Context(), actor, commands.DeleteUser{ID: userID("anna"), If: ifAt(annaAt(1))})
	var stale *commands.StaleError
	if !errors.As(err, &stale) || !errors.Is(err, domain.Stale) {
		t.Fatalf("error is %v, want a StaleError", err)
	}
	if diff := cmp.Diff(annaAt(2), stale.Current); diff != "" {
		t.Errorf("Current (-want +got):\n%s", diff)
	}
}

func TestUpdateUserAnswersTheUserAndItsTag(t *testing.T) {
	w := newWorld(t, commands.Options{})
	w.have(anna)
	w.now = w.now.Add(1)
	changed := w.do(commands.UpdateUser{ID: userID("anna"), Active: commands.To(false)})
	if diff := cmp.Diff(annaAt(2), changed.Entity); diff != "" {
		t.Errorf("Entity (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(annaAt(2).Merge(eventstream.NewToken(eventstream.Position{Stream: "users/0", Seq: 2})), changed.Wrote); diff != "" {
		t.Errorf("Wrote (-want +got):\n%s", diff)
	}
	if changed.User.Active || changed.User.Seq != 2 || changed.User.Username != username("anna") {
		t.Errorf("User is %+v", changed.User)
	}
	same := w.do(commands.UpdateUser{ID: userID("anna"), Active: commands.To(false)})
	changed.Changed, changed.Wrote = false, annaAt(2)
	if diff := cmp.Diff(changed, same, compareUnexported); diff != "" {
		t.Errorf("after no change (-want +got):\n%s", diff)
	}
}

func TestWhatIsKeptFoldedIsNotTheCallers(t *testing.T) {
	w := newWorld(t, commands.Options{})
	w.do(commands.CreateUser{ID: userID("anna"), Username: username("anna"), Attributes: domain.Attributes{"a": attribute("1")}})
	for range 2 {
		w.do(commands.UpdateUser{ID: userID("anna")}).User.Attributes["a"] = attribute("2")
	}
	if got := w.do(commands.UpdateUser{ID: userID("anna")}).User.Attributes["a"]; got != attribute("1") {
		t.Errorf("a caller changed what the next one sees to %s", got.JSON())
	}
}

// TestUpdatingReadsOnlyWhatIsNew holds the promise that changing an entity with a
// long history does not replay it.
func TestUpdatingReadsOnlyWhatIsNew(t *testing.T) {
	w := newWorld(t, commands.Options{})
	store := &countingStore{Store: w.store}
	w.handler = commands.New(eventstream.New(store, nil), w.directory, nil)
	w.have(anna)
	for i := range 50 {
		w.have(fmt.Sprintf(`user/$anna SetName{"name":"Anna %d"}`, i))
	}
	w.do(commands.UpdateUser{ID: userID("anna"), Name: commands.To(text("first"))})
	w.have(`user/$anna SetGivenName{"givenName":"by another process"}`)
	store.read = 0
	result := w.do(commands.UpdateUser{ID: userID("anna"), FamilyName: commands.To(text("second"))})
	if store.read > 2 {
		t.Errorf("read %d commits, of which 2 are new", store.read)
	}
	if result.User.Name != text("first") || result.User.GivenName != text("by another process") || result.User.Seq != 54 {
		t.Errorf("User is %+v", result.User)
	}
}
