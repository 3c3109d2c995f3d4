package commands_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed5b6a70b4/identity/commands"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// annaInStaff and adminsInStaff are memberships as adding them leaves the streams.
const (
	annaInStaff   = `member/$staff/$anna SetMember{"present":true,"kind":"user"}` + "\n"
	adminsInStaff = `
		member/$staff/$admins SetMember{"present":true,"kind":"group"}
		nesting SetNesting{"group":"$staff","member":"$admins","present":true}
	`
)

func TestDeleteUser(t *testing.T) {
	run(t, []scenario{
		{
			name:  "it ends the user and releases its values; its memberships stay",
			given: anna + staff + annaInStaff,
			when:  commands.DeleteUser{ID: userID("anna")},
			then:  annaRemoved,
		},
		{
			name:  "only values that the user has",
			given: anna + `user/$anna SetEmail{"email":null} SetExternalID{"externalId":null}`,
			when:  commands.DeleteUser{ID: userID("anna"), If: ifAt(annaAt(2))},
			then: `
				user/$anna SetRemoved{"removed":true}
				users/0 $anna@3 SetRemoved{"removed":true}
				claim/username/anna SetOwner{"ownerSeq":3,"former":"$anna"}
			`,
		},
		{
			name:  "a claim that is not the user's stays as it is",
			given: anna + `claim/email/a@x.org SetOwner{"owner":"$bert","kind":"user","ownerSeq":1}`,
			when:  commands.DeleteUser{ID: userID("anna")},
			then: `
				user/$anna SetRemoved{"removed":true}
				users/0 $anna@2 SetRemoved{"removed":true}
				claim/username/anna SetOwner{"ownerSeq":2,"former":"$anna"}
				claim/externalid/hr-1 SetOwner{"ownerSeq":2,"former":"$anna"}
			`,
		},
		{name: "the tag must be the user's", given: anna, when: commands.DeleteUser{ID: userID("anna"), If: ifAt(annaAt(2))}, refused: "stale"},
		{name: "there must be a user", when: commands.DeleteUser{ID: userID("anna")}, refused: "not_found"},
		{name: "still", given: anna + annaRemoved, when: commands.DeleteUser{ID: userID("anna"), If: ifAny}, refused: "not_found"},
	})
}

func TestDeleteGroup(t *testing.T) {
	run(t, []scenario{
		{
			name:  "it ends the group and releases its values; its memberships stay",
			given: anna + staff + annaInStaff,
			when:  commands.DeleteGroup{ID: groupID("staff")},
			then: `
				group/$staff SetRemoved{"removed":true}
				groups/0 $staff@2 SetRemoved{"removed":true}
				claim/groupname/staff SetOwner{"ownerSeq":2,"former":"$staff"}
				claim/externalid/hr-2 SetOwner{"ownerSeq":2,"former":"$staff"}
			`,
		},
		{
			name:  "the nesting learns of a group that has groups",
			given: staff + admins + adminsInStaff,
			when:  commands.DeleteGroup{ID: groupID("staff")},
			then: `
				group/$staff SetRemoved{"removed":true}
				groups/0 $staff@2 SetRemoved{"removed":true}
				claim/groupname/staff SetOwner{"ownerSeq":2,"former":"$staff"}
				claim/externalid/hr-2 SetOwner{"ownerSeq":2,"former":"$staff"}
				nesting SetNode{"group":"$staff","removed":true}
			`,
		},
		{
			name:  "and of one that is in a group",
			given: staff + admins + adminsInStaff,
			when:  commands.DeleteGroup{ID: groupID("admins")},
			then: `
				group/$admins SetRemoved{"removed":true}
				groups/0 $admins@2 SetRemoved{"removed":true}
				claim/groupname/admins SetOwner{"ownerSeq":2,"former":"$admins"}
				nesting SetNode{"group":"$admins","removed":true}
			`,
		},
		{
			name:  "but not of one that was and no longer is",
			given: staff + admins + adminsInStaff + `nesting SetNesting{"group":"$staff","member":"$admins","present":false}`,
			when:  commands.DeleteGroup{ID: groupID("admins")},
			then: `
				group/$admins SetRemoved{"removed":true}
				groups/0 $admins@2 SetRemoved{"removed":true}
				claim/groupname/admins SetOwner{"ownerSeq":2,"former":"$admins"}
			`,
		},
		{name: "the tag must be the group's", given: staff, when: commands.DeleteGroup{ID: groupID("staff"), If: ifAt(staffAt(2))}, refused: "stale"},
		{name: "there must be a group", when: commands.DeleteGroup{ID: groupID("staff")}, refused: "not_found"},
		{name: "still", given: staff + `group/$staff SetRemoved{"removed":true}`, when: commands.DeleteGroup{ID: groupID("staff")}, refused: "not_found"},
	})
}

func TestDeletingNamesWhatItWrote(t *testing.T) {
	w := newWorld(t, commands.Options{})
	w.have(anna + staff + admins + adminsInStaff)
	user := w.do(commands.DeleteUser{ID: userID("anna")})
	if diff := cmp.Diff(annaAt(2).Merge(eventstream.Token{{Stream: "users/0", Seq: 2}}), user.Wrote); diff != "" {
		t.Errorf("of a user (-want +got):\n%s", diff)
	}
	group := w.do(commands.DeleteGroup{ID: groupID("staff")})
	want := staffAt(2).Merge(eventstream.NewToken(eventstream.Position{Stream: "groups/0", Seq: 3}, eventstream.Position{Stream: "nesting", Seq: 2}))
	if diff := cmp.Diff(want, group.Wrote); diff != "" {
		t.Errorf("of a group (-want +got):\n%s", diff)
	}
	if user.User != nil || group.Group != nil {
		t.Error("a removal shows an entity")
	}
}
