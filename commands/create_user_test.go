package commands_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed5b6a70b4/identity/commands"
	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// anna is a user as creating her leaves the streams.
const anna = `
	user/$anna SetUsername{"username":"anna"} SetEmail{"email":"a@x.org"} SetActive{"active":true} SetExternalID{"externalId":"hr-1"}
	users/0 $anna@1 SetUsername{"username":"anna"} $anna@1 SetEmail{"email":"a@x.org"} $anna@1 SetActive{"active":true}
	claim/username/anna SetOwner{"owner":"$anna","kind":"user","ownerSeq":1}
	claim/email/a@x.org SetOwner{"owner":"$anna","kind":"user","ownerSeq":1}
	claim/externalid/hr-1 SetOwner{"owner":"$anna","kind":"user","ownerSeq":1}
`

// annaRemoved follows anna.
const annaRemoved = `
	user/$anna SetRemoved{"removed":true}
	users/0 $anna@2 SetRemoved{"removed":true}
	claim/username/anna SetOwner{"ownerSeq":2,"former":"$anna"}
	claim/email/a@x.org SetOwner{"ownerSeq":2,"former":"$anna"}
	claim/externalid/hr-1 SetOwner{"ownerSeq":2,"former":"$anna"}
`

func TestCreateUser(t *testing.T) {
	run(t, []scenario{
		{
			name: "only a username is needed, and whether the user is active is always written",
			when: commands.CreateUser{Username: username("Anna")},
			then: `
				user/$new SetUsername{"username":"Anna"} SetActive{"active":false}
				users/0 $new@1 SetUsername{"username":"Anna"} $new@1 SetActive{"active":false}
				claim/username/anna SetOwner{"owner":"$new","kind":"user","ownerSeq":1}
			`,
		},
		{
			name: "an id that the client brings comes with the digest of the request",
			when: commands.CreateUser{
				ID: userID("anna"), Username: username("anna"), Email: email("A@x.org"), ExternalID: externalID("hr-1"),
				Name: text("Anna B"), GivenName: text("Anna"), FamilyName: text("B"), Active: true,
				Attributes: domain.Attributes{"team": attribute(`"red"`), "age": attribute(`7`)},
			},
			then: `
				user/$anna SetOrigin{"digest":"digest"} SetUsername{"username":"anna"} SetEmail{"email":"A@x.org"} SetName{"name":"Anna B"} SetGivenName{"givenName":"Anna"} SetFamilyName{"familyName":"B"} SetActive{"active":true} SetExternalID{"externalId":"hr-1"} SetAttribute{"name":"age","value":7} SetAttribute{"name":"team","value":"red"}
				users/0 $anna@1 SetUsername{"username":"anna"} $anna@1 SetEmail{"email":"A@x.org"} $anna@1 SetActive{"active":true}
				claim/username/anna SetOwner{"owner":"$anna","kind":"user","ownerSeq":1}
				claim/email/a@x.org SetOwner{"owner":"$anna","kind":"user","ownerSeq":1}
				claim/externalid/hr-1 SetOwner{"owner":"$anna","kind":"user","ownerSeq":1}
			`,
		},
		{
			name:    "a username is needed",
			when:    commands.CreateUser{Email: email("a@x.org")},
			refused: "invalid",
		},
		{
			name:    "attributes keep to their limits together",
			when:    commands.CreateUser{Username: username("anna"), Attributes: attributesOf(domain.MaxAttributes + 1)},
			refused: "invalid",
		},
		{
			name:    "of several values that are taken, the username is reported",
			given:   anna,
			when:    commands.CreateUser{Username: username("ANNA"), Email: email("a@X.org"), ExternalID: externalID("hr-1")},
			refused: "username_taken",
		},
		{
			name:    "then the e-mail",
			given:   anna,
			when:    commands.CreateUser{Username: username("berta"), Email: email("a@X.org"), ExternalID: externalID("hr-1")},
			refused: "email_taken",
		},
		{
			name:    "then the external id",
			given:   anna,
			when:    commands.CreateUser{Username: username("berta"), ExternalID: externalID("hr-1")},
			refused: "externalid_taken",
		},
		{
			name:    "a group's external id is taken for users, too",
			given:   staff,
			when:    commands.CreateUser{Username: username("berta"), ExternalID: externalID("hr-2")},
			refused: "externalid_taken",
		},
		{
			name:    "an id that the directory made is nobody's to bring",
			given:   anna,
			when:    commands.CreateUser{ID: userID("anna"), Username: username("berta")},
			refused: "id_taken",
		},
		{
			name:    "nor is a group's",
			given:   staff,
			when:    commands.CreateUser{ID: userID("staff"), Username: username("berta")},
			refused: "id_taken",
		},
		{
			name:    "a value that was released lately is taken",
			given:   anna + annaRemoved,
			when:    commands.CreateUser{Username: username("anna")},
			refused: "username_taken",
		},
	})
}

func attributesOf(n int) domain.Attributes {
	attributes := domain.Attributes{}
	for i := range n {
		attributes[fmt.Sprintf("name %d", i)] = attribute("1")
	}
	return attributes
}

func TestCreatingAgainWithTheSameIDAnswersTheFirstResult(t *testing.T) {
	w := newWorld(t, commands.Options{})
	create := commands.CreateUser{ID: userID("anna"), Username: username("anna"), Attributes: attributesOf(20)}
	first := w.do(create)
	w.do(commands.CreateUser{Username: username("berta")})
	w.do(commands.UpdateUser{ID: userID("anna"), Username: commands.To(username("anna2")), ClearAttributes: true})

	again := w.do(create)
	want := first
	want.Changed, want.Created, want.Repeated = false, false, true
	if diff := cmp.Diff(want, again, compareUnexported); diff != "" {
		t.Errorf("the second answer (-want +got):\n%s", diff)
	}

	other := create
	other.Active = true
	w.refused(other, "id_taken")
	w.refused(commands.CreateGroup{ID: groupID("anna"), Name: groupName("staff")}, "id_taken")
	w.do(commands.DeleteUser{ID: userID("anna")})
	w.refused(create, "id_taken")
}

func TestCreateUserNamesWhatItWrote(t *testing.T) {
	w := newWorld(t, commands.Options{})
	w.do(commands.CreateUser{Username: username("berta")})
	result := w.do(commands.CreateUser{ID: userID("anna"), Username: username("anna")})
	own := eventstream.Position{Stream: eventstream.UserStream(ids["anna"]), Seq: 1}
	if diff := cmp.Diff(eventstream.NewToken(own), result.Entity); diff != "" {
		t.Errorf("Entity (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(eventstream.NewToken(own, eventstream.Position{Stream: "users/0", Seq: 2}), result.Wrote); diff != "" {
		t.Errorf("Wrote (-want +got):\n%s", diff)
	}
	if user := result.User; user.ID != userID("anna") || user.Username != username("anna") || user.Seq != 1 || !user.CreatedAt.Equal(noon) {
		t.Errorf("User is %+v", user)
	}
}

func TestDigestTellsRequestsApart(t *testing.T) {
	base := commands.CreateUser{
		ID: userID("anna"), Username: username("anna"), Email: email("a@x.org"), Name: text("n"), GivenName: text("g"), FamilyName: text("f"),
		Active: true, ExternalID: externalID("x"), Attributes: domain.Attributes{"a": attribute("1"), "b": attribute("2")},
	}
	others := map[string]func(*commands.CreateUser){
		"username spelled otherwise": func(c *commands.CreateUser) { c.Username = username("Anna") },
		"no e-mail":                  func(c *commands.CreateUser) { c.Email = domain.Email{} },
		"another name":               func(c *commands.CreateUser) { c.Name = text("m") },
		"names moved by one field":   func(c *commands.CreateUser) { c.Name, c.GivenName = domain.Text{}, text("n") },
		"another family name":        func(c *commands.CreateUser) { c.FamilyName = text("g") },
		"inactive":                   func(c *commands.CreateUser) { c.Active = false },
		"another external id":        func(c *commands.CreateUser) { c.ExternalID = externalID("y") },
		"another attribute": func(c *commands.CreateUser) {
			c.Attributes = domain.Attributes{"a": attribute("1"), "b": attribute(`"2"`)}
		},
		"one attribute fewer": func(c *commands.CreateUser) { c.Attributes = domain.Attributes{"a": attribute("1")} },
	}
	for name, change := range others {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, commands.Options{})
			w.do(base)
			other := base
			change(&other)
			w.refused(other, "id_taken")
		})
	}
}

func TestQuarantine(t *testing.T) {
	w := newWorld(t, commands.Options{})
	w.do(commands.CreateUser{ID: userID("anna"), Username: username("anna"), Email: email("a@x.org")})
	w.now = noon.Add(time.Hour)
	w.do(commands.UpdateUser{ID: userID("anna"), Username: commands.To(username("anna2"))})
	until := noon.Add(time.Hour + 30*24*time.Hour)

	w.now = until.Add(-time.Millisecond)
	err := w.refused(commands.CreateUser{Username: username("Anna")}, "username_taken")
	var refusal *domain.Error
	if !errors.As(err, &refusal) || !refusal.Until.Equal(until) || !strings.Contains(refusal.Detail, "2026-03-31T13:00:00.000Z") {
		t.Errorf("refused until %v: %q; want until %v", refusal.Until, refusal.Detail, until)
	}

	w.do(commands.UpdateUser{ID: userID("anna"), Username: commands.To(username("anna"))})
	w.do(commands.UpdateUser{ID: userID("anna"), Username: commands.To(username("anna2"))})
	w.now = until
	w.refused(commands.CreateUser{Username: username("anna")}, "username_taken")
	w.now = until.Add(30*24*time.Hour - time.Millisecond)
	w.do(commands.CreateUser{Username: username("anna")})
}

func TestQuarantineMayBeNone(t *testing.T) {
	none := time.Duration(0)
	w := newWorld(t, commands.Options{Quarantine: &none})
	w.do(commands.CreateUser{ID: userID("anna"), Username: username("anna")})
	w.refused(commands.CreateUser{Username: username("anna")}, "username_taken")
	w.do(commands.DeleteUser{ID: userID("anna")})
	w.do(commands.CreateUser{Username: username("anna")})
}
