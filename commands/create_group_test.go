package commands_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed5b6a70b4/identity/commands"
	"github.com/seed5b6a70b4/identity/domain"
)

// staff, admins and guests are groups as creating them leaves the streams.
const (
	staff = `
		group/$staff SetGroupName{"name":"Staff"} SetExternalID{"externalId":"hr-2"}
		groups/0 $staff@1 SetGroupName{"name":"Staff"}
		claim/groupname/staff SetOwner{"owner":"$staff","kind":"group","ownerSeq":1}
		claim/externalid/hr-2 SetOwner{"owner":"$staff","kind":"group","ownerSeq":1}
	`
	admins = `
		group/$admins SetGroupName{"name":"Admins"}
		groups/0 $admins@1 SetGroupName{"name":"Admins"}
		claim/groupname/admins SetOwner{"owner":"$admins","kind":"group","ownerSeq":1}
	`
	guests = `
		group/$guests SetGroupName{"name":"Guests"}
		groups/0 $guests@1 SetGroupName{"name":"Guests"}
	`
)

func TestCreateGroup(t *testing.T) {
	run(t, []scenario{
		{
			name: "a name is enough",
			when: commands.CreateGroup{Name: groupName("Staff")},
			then: `
				group/$new SetGroupName{"name":"Staff"}
				groups/0 $new@1 SetGroupName{"name":"Staff"}
				claim/groupname/staff SetOwner{"owner":"$new","kind":"group","ownerSeq":1}
			`,
		},
		{
			name: "all there is to a group",
			when: commands.CreateGroup{
				ID: groupID("staff"), Name: groupName("Staff"), Description: text("All of us"), ExternalID: externalID("hr-2"),
				Attributes: domain.Attributes{"site": attribute(`["a","b"]`)},
			},
			then: `
				group/$staff SetOrigin{"digest":"digest"} SetGroupName{"name":"Staff"} SetDescription{"description":"All of us"} SetExternalID{"externalId":"hr-2"} SetAttribute{"name":"site","value":["a","b"]}
				groups/0 $staff@1 SetGroupName{"name":"Staff"}
				claim/groupname/staff SetOwner{"owner":"$staff","kind":"group","ownerSeq":1}
				claim/externalid/hr-2 SetOwner{"owner":"$staff","kind":"group","ownerSeq":1}
			`,
		},
		{name: "a name is needed", when: commands.CreateGroup{}, refused: "invalid"},
		{
			name:    "attributes keep to their limits together",
			when:    commands.CreateGroup{Name: groupName("Staff"), Attributes: attributesOf(domain.MaxAttributes + 1)},
			refused: "invalid",
		},
		{
			name:    "of several values that are taken, the name is reported",
			given:   staff,
			when:    commands.CreateGroup{Name: groupName("STAFF"), ExternalID: externalID("hr-2")},
			refused: "groupname_taken",
		},
		{
			name:    "then the external id, a user's too",
			given:   anna,
			when:    commands.CreateGroup{Name: groupName("Staff"), ExternalID: externalID("hr-1")},
			refused: "externalid_taken",
		},
		{
			name:  "a username is not a group's name",
			given: anna,
			when:  commands.CreateGroup{Name: groupName("Anna")},
			then: `
				group/$new SetGroupName{"name":"Anna"}
				groups/0 $new@1 SetGroupName{"name":"Anna"}
				claim/groupname/anna SetOwner{"owner":"$new","kind":"group","ownerSeq":1}
			`,
		},
		{
			name:    "a user's id is taken",
			given:   anna,
			when:    commands.CreateGroup{ID: groupID("anna"), Name: groupName("Staff")},
			refused: "id_taken",
		},
	})
}

func TestCreatingAGroupAgainWithTheSameIDAnswersTheFirstResult(t *testing.T) {
	w := newWorld(t, commands.Options{})
	create := commands.CreateGroup{ID: groupID("staff"), Name: groupName("Staff"), Description: text("us")}
	first := w.do(create)
	w.do(commands.UpdateGroup{ID: groupID("staff"), Name: commands.To(groupName("Crew"))})

	again := w.do(create)
	want := first
	want.Changed, want.Created, want.Repeated = false, false, true
	if diff := cmp.Diff(want, again, compareUnexported); diff != "" {
		t.Errorf("the second answer (-want +got):\n%s", diff)
	}

	other := create
	other.Description = text("them")
	w.refused(other, "id_taken")
	w.do(commands.DeleteGroup{ID: groupID("staff")})
	w.refused(create, "id_taken")
}
