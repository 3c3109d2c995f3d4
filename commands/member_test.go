package commands_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/commands"
	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

func edgeAt(group, member string, seq eventstream.Seq) eventstream.Token {
	return eventstream.NewToken(eventstream.Position{Stream: eventstream.MemberStream(ids[group], ids[member]), Seq: seq})
}

func add(group, member string) commands.AddMember {
	return commands.AddMember{Group: groupID(group), Member: ids[member]}
}

func TestAddMember(t *testing.T) {
	onlyNew := add("staff", "anna")
	onlyNew.OnlyNew = true
	run(t, []scenario{
		{
			name:  "a user gets in by a stream of its own",
			given: anna + staff,
			when:  add("staff", "anna"),
			then:  `member/$staff/$anna SetMember{"present":true,"kind":"user"}`,
		},
		{name: "who is in stays in", given: anna + staff + annaInStaff, when: add("staff", "anna")},
		{
			name:  "who was in gets in again",
			given: anna + staff + annaInStaff + `member/$staff/$anna SetMember{"present":false,"kind":"user"}`,
			when:  onlyNew,
			then:  `member/$staff/$anna SetMember{"present":true,"kind":"user"}`,
		},
		{
			name:  "a group gets in, and the nesting learns of it",
			given: staff + admins,
			when:  add("staff", "admins"),
			then:  adminsInStaff,
		},
		{name: "a group that is in stays in", given: staff + admins + adminsInStaff, when: add("staff", "admins")},
		{name: "a group cannot get into itself", given: staff, when: add("staff", "staff"), refused: "cycle"},
		{name: "nor into a member", given: staff + admins + adminsInStaff, when: add("admins", "staff"), refused: "cycle"},
		{
			name:    "nor into a member's member",
			given:   staff + admins + guests + adminsInStaff + `nesting SetNesting{"group":"$admins","member":"$guests","present":true}`,
			when:    add("guests", "staff"),
			refused: "cycle",
		},
		{
			name:  "once the member is out, the other way is open",
			given: staff + admins + adminsInStaff + `nesting SetNesting{"group":"$staff","member":"$admins","present":false}`,
			when:  add("admins", "staff"),
			then: `
				member/$admins/$staff SetMember{"present":true,"kind":"group"}
				nesting SetNesting{"group":"$admins","member":"$staff","present":true}
			`,
		},
		{name: "the group must be there", given: anna, when: add("staff", "anna"), refused: "not_found"},
		{name: "a user is no group", given: anna, when: add("anna", "anna"), refused: "not_found"},
		{name: "the group must not be removed", given: anna + staff + `group/$staff SetRemoved{"removed":true}`, when: add("staff", "anna"), refused: "not_found"},
		{name: "the member must be there", given: staff, when: add("staff", "anna"), refused: "not_found"},
		{name: "the member must not be removed, even if it is in", given: anna + staff + annaInStaff + annaRemoved, when: add("staff", "anna"), refused: "not_found"},
		{name: "only a new member is wanted", given: anna + staff + annaInStaff, when: onlyNew, refused: "stale"},
		{name: "a condition that only a member can meet", given: anna + staff, when: commands.AddMember{Group: groupID("staff"), Member: ids["anna"], If: ifAny}, refused: "stale"},
		{name: "and one does", given: anna + staff + annaInStaff, when: commands.AddMember{Group: groupID("staff"), Member: ids["anna"], If: ifAt(edgeAt("staff", "anna", 1))}},
	})
}

func TestAddMemberAnswersTheMembership(t *testing.T) {
	w := newWorld(t, commands.Options{})
	w.have(anna + staff + admins)
	w.now = noon.Add(time.Hour)
	user := w.do(add("staff", "anna"))
	want := commands.Result{
		Changed: true, Created: true, Entity: edgeAt("staff", "anna", 1), Wrote: edgeAt("staff", "anna", 1),
		Memberships: []domain.Membership{{Group: groupID("staff"), Member: ids["anna"], Kind: domain.UserMember, Seq: 1, Present: true, Since: w.now}},
	}
	if diff := cmp.Diff(want, user); diff != "" {
		t.Errorf("of a user (-want +got):\n%s", diff)
	}

	w.now = noon.Add(2 * time.Hour)
	want.Changed, want.Created = false, false
	if diff := cmp.Diff(want, w.do(add("staff", "anna"))); diff != "" {
		t.Errorf("again (-want +got):\n%s", diff)
	}

	group := w.do(add("staff", "admins"))
	if diff := cmp.Diff(edgeAt("staff", "admins", 1).Merge(eventstream.Token{{Stream: "nesting", Seq: 1}}), group.Wrote); diff != "" {
		t.Errorf("Wrote of a group (-want +got):\n%s", diff)
	}
}

func TestAddMemberSaysWhatIsMissing(t *testing.T) {
	w := newWorld(t, commands.Options{})
	w.have(anna + staff)
	for _, c := range []struct {
		group, member, detail string
	}{
		{"nobody", "anna", "the group does not exist"},
		{"staff", "nobody", "the member does not exist: no user or group has the id"},
		{"nobody", "bert", "neither the group nor the member exists"},
	} {
		var refusal *domain.Error
		if err := w.refused(add(c.group, c.member), "not_found"); !errors.As(err, &refusal) || refusal.Detail != c.detail {
			t.Errorf("adding %s to %s: %v, want %q", c.member, c.group, err, c.detail)
		}
	}
}

func TestAddMembers(t *testing.T) {
	several := func(group string, members ...string) commands.AddMembers {
		cmd := commands.AddMembers{Group: groupID(group)}
		for _, member := range members {
			cmd.Members = append(cmd.Members, ids[member])
		}
		return cmd
	}
	run(t, []scenario{
		{
			name:  "users and groups get in together, those named twice once, those in stay in",
			given: anna + `user/$bert SetUsername{"username":"bert"}` + staff + admins + guests + annaInStaff,
			when:  several("staff", "admins", "bert", "anna", "guests", "admins"),
			then: `
				member/$staff/$admins SetMember{"present":true,"kind":"group"}
				member/$staff/$bert SetMember{"present":true,"kind":"user"}
				member/$staff/$guests SetMember{"present":true,"kind":"group"}
				nesting SetNesting{"group":"$staff","member":"$admins","present":true} SetNesting{"group":"$staff","member":"$guests","present":true}
			`,
		},
		{name: "if all are in, nothing is written", given: anna + staff + annaInStaff, when: several("staff", "anna", "anna")},
		{name: "one that makes a cycle keeps all out", given: anna + staff + admins + adminsInStaff, when: several("admins", "anna", "staff"), refused: "cycle"},
		{name: "one that is not there keeps all out", given: anna + staff, when: several("staff", "anna", "nobody"), refused: "not_found"},
		{name: "the group must be there", given: anna, when: several("staff", "anna"), refused: "not_found"},
		{name: "nobody is too few", given: staff, when: several("staff"), refused: "invalid"},
		{name: "26 are too many", given: anna + staff, when: several("staff", slices.Repeat([]string{"anna"}, 26)...), refused: "invalid"},
	})
}

func TestAddMembersAnswersEachMembershipOnce(t *testing.T) {
	w := newWorld(t, commands.Options{})
	w.have(anna + staff + admins + annaInStaff)
	w.now = noon.Add(time.Hour)
	got := w.do(commands.AddMembers{Group: groupID("staff"), Members: []uuid.UUID{ids["admins"], ids["anna"], ids["admins"]}})
	want := commands.Result{
		Changed: true, Created: true,
		Entity: edgeAt("staff", "admins", 1).Merge(edgeAt("staff", "anna", 1)),
		Wrote:  edgeAt("staff", "admins", 1).Merge(edgeAt("staff", "anna", 1)).Merge(eventstream.Token{{Stream: "nesting", Seq: 1}}),
		Memberships: []domain.Membership{
			{Group: groupID("staff"), Member: ids["admins"], Kind: domain.GroupMember, Seq: 1, Present: true, Since: w.now},
			{Group: groupID("staff"), Member: ids["anna"], Kind: domain.UserMember, Seq: 1, Present: true, Since: noon},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAddMembersNamesEveryUnknownID(t *testing.T) {
	w := newWorld(t, commands.Options{})
	w.have(anna + staff)
	err := w.refused(commands.AddMembers{Group: groupID("staff"), Members: []uuid.UUID{ids["nobody"], ids["anna"], ids["bert"], ids["nobody"]}}, "not_found")
	var refusal *domain.Error
	if !errors.As(err, &refusal) {
		t.Fatal(err)
	}
	want := []domain.Field{
		{Pointer: "/members/0", Detail: "no user or group has the id " + ids["nobody"].String()},
		{Pointer: "/members/3", Detail: "no user or group has the id " + ids["nobody"].String()},
		{Pointer: "/members/2", Detail: "no user or group has the id " + ids["bert"].String()},
	}
	if diff := cmp.Diff(want, refusal.Fields); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRemoveMember(t *testing.T) {
	remove := func(group, member string) commands.RemoveMember {
		return commands.RemoveMember{Group: groupID(group), Member: ids[member]}
	}
	under := func(condition commands.Condition) commands.RemoveMember {
		cmd := remove("staff", "anna")
		cmd.If = condition
		return cmd
	}
	run(t, []scenario{
		{
			name:  "a user gets out",
			given: anna + staff + annaInStaff,
			when:  remove("staff", "anna"),
			then:  `member/$staff/$anna SetMember{"present":false,"kind":"user"}`,
		},
		{
			name:  "a group gets out, and the nesting learns of it",
			given: staff + admins + adminsInStaff,
			when:  remove("staff", "admins"),
			then: `
				member/$staff/$admins SetMember{"present":false,"kind":"group"}
				nesting SetNesting{"group":"$staff","member":"$admins","present":false}
			`,
		},
		{name: "who is not in is no error", given: anna + staff, when: remove("staff", "anna")},
		{name: "nor is who was", given: anna + staff + annaInStaff + `member/$staff/$anna SetMember{"present":false,"kind":"user"}`, when: remove("staff", "anna")},
		{name: "nor is what does not exist", when: remove("nobody", "nobody")},
		{
			name:  "who is removed gets out all the same",
			given: anna + staff + annaInStaff + annaRemoved,
			when:  remove("staff", "anna"),
			then:  `member/$staff/$anna SetMember{"present":false,"kind":"user"}`,
		},
		{name: "the tag is the membership's", given: anna + staff + annaInStaff, when: under(ifAt(edgeAt("staff", "anna", 1))), then: `member/$staff/$anna SetMember{"present":false,"kind":"user"}`},
		{name: "it is not", given: anna + staff + annaInStaff, when: under(ifAt(edgeAt("staff", "anna", 2))), refused: "stale"},
		{name: "who is not in meets no condition", given: anna + staff, when: under(ifAny), refused: "stale"},
	})
}

func TestRemoveMemberNamesWhatItWrote(t *testing.T) {
	w := newWorld(t, commands.Options{})
	w.have(staff + admins + adminsInStaff)
	first := w.do(commands.RemoveMember{Group: groupID("staff"), Member: ids["admins"]})
	if diff := cmp.Diff(edgeAt("staff", "admins", 2).Merge(eventstream.Token{{Stream: "nesting", Seq: 2}}), first.Wrote); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	again := w.do(commands.RemoveMember{Group: groupID("staff"), Member: ids["admins"]})
	if diff := cmp.Diff(commands.Result{Entity: edgeAt("staff", "admins", 2), Wrote: edgeAt("staff", "admins", 2)}, again); diff != "" {
		t.Errorf("again (-want +got):\n%s", diff)
	}
}
