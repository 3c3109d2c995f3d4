package commands_test

import (
	"testing"

	"github.com/seed5b6a70b4/identity/commands"
	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

func staffAt(seq eventstream.Seq) eventstream.Token {
	return eventstream.NewToken(eventstream.Position{Stream: eventstream.GroupStream(ids["staff"]), Seq: seq})
}

func TestUpdateGroup(t *testing.T) {
	run(t, []scenario{
		{
			name:  "a field that no list shows is written to the group alone",
			given: staff,
			when:  commands.UpdateGroup{ID: groupID("staff"), Description: commands.To(text("us")), Name: commands.To(groupName("Staff"))},
			then:  `group/$staff SetDescription{"description":"us"}`,
		},
		{
			name:  "another name claims it and releases the one before",
			given: staff,
			when:  commands.UpdateGroup{ID: groupID("staff"), Name: commands.To(groupName("Crew"))},
			then: `
				group/$staff SetGroupName{"name":"Crew"}
				groups/0 $staff@2 SetGroupName{"name":"Crew"}
				claim/groupname/crew SetOwner{"owner":"$staff","kind":"group","ownerSeq":2}
				claim/groupname/staff SetOwner{"ownerSeq":2,"former":"$staff"}
			`,
		},
		{
			name:  "another spelling of the same keeps the claim",
			given: staff,
			when:  commands.UpdateGroup{ID: groupID("staff"), Name: commands.To(groupName("STAFF"))},
			then: `
				group/$staff SetGroupName{"name":"STAFF"}
				groups/0 $staff@2 SetGroupName{"name":"STAFF"}
			`,
		},
		{
			name:  "optional values can be taken away",
			given: staff + `group/$staff SetDescription{"description":"us"} SetAttribute{"name":"a","value":1}`,
			when:  commands.UpdateGroup{ID: groupID("staff"), Description: commands.To(domain.Text{}), ExternalID: commands.To(domain.ExternalID{}), ClearAttributes: true},
			then: `
				group/$staff SetDescription{"description":null} SetExternalID{"externalId":null} SetAttribute{"name":"a","value":null}
				claim/externalid/hr-2 SetOwner{"ownerSeq":3,"former":"$staff"}
			`,
		},
		{name: "if nothing changes, nothing is written", given: staff, when: commands.UpdateGroup{ID: groupID("staff"), If: ifAt(staffAt(1))}},
		{name: "the name cannot be taken away", given: staff, when: commands.UpdateGroup{ID: groupID("staff"), Name: commands.To(domain.GroupName{})}, refused: "invalid"},
		{name: "attributes keep to their limits", given: staff, when: commands.UpdateGroup{ID: groupID("staff"), Attributes: attributesOf(65)}, refused: "invalid"},
		{name: "another group's name is taken", given: staff + admins, when: commands.UpdateGroup{ID: groupID("admins"), Name: commands.To(groupName("staff"))}, refused: "groupname_taken"},
		{name: "the tag must be the group's", given: staff, when: commands.UpdateGroup{ID: groupID("staff"), If: ifAt(staffAt(2)), Description: commands.To(text("us"))}, refused: "stale"},
		{name: "there must be a group", when: commands.UpdateGroup{ID: groupID("staff")}, refused: "not_found"},
		{name: "a user is none", given: anna, when: commands.UpdateGroup{ID: groupID("anna")}, refused: "not_found"},
	})
}
