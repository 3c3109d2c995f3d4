package memview

import (
	"bytes"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
)

// fill sets every field of a struct to something, each to something else, so that
// a field that rows leave out is missed.
func fill(t *testing.T, v reflect.Value, n *int) {
	t.Helper()
	*n++
	text := fmt.Sprintf("text %d", *n)
	switch x := v.Addr().Interface().(type) {
	case *time.Time:
		*x = time.UnixMilli(1.7e12 + int64(*n)).UTC()
	case *uuid.UUID:
		*x = uuid.New()
	case *domain.Attributes:
		*x = domain.Attributes{"a": domain.StoredAttribute(`"` + text + `"`), "b": domain.StoredAttribute("[1]")}
	case *domain.Username:
		*x = domain.Stored[domain.Username](text)
	case *domain.Email:
		*x = domain.Stored[domain.Email](text)
	case *domain.Text:
		*x = domain.Stored[domain.Text](text)
	case *domain.GroupName:
		*x = domain.Stored[domain.GroupName](text)
	case *domain.ExternalID:
		*x = domain.Stored[domain.ExternalID](text)
	case *[]domain.Scope:
		*x = []domain.Scope{domain.ReadScope, domain.AdminScope}
	case *domain.MemberKind:
		*x = domain.GroupMember
	case *string:
		*x = text
	case *uint64:
		*x = uint64(*n)
	case *bool:
		*x = true
	default:
		if v.Kind() != reflect.Struct {
			t.Fatalf("rows do not know what to do with a %s", v.Type())
		}
		for i := range v.NumField() {
			fill(t, v.Field(i), n)
		}
	}
}

var whole = []cmp.Option{cmp.Exporter(func(reflect.Type) bool { return true }), cmpopts.EquateEmpty()}

func TestRowsKeepEveryField(t *testing.T) {
	view, n := New(nil), 0
	for _, origin := range []string{"", "no hexadecimal", "abc", "00ff17"} {
		for _, flag := range []bool{true, false} {
			var user domain.User
			fill(t, reflect.ValueOf(&user).Elem(), &n)
			user.Origin, user.Active, user.Removed = origin, flag, false
			got := view.readUser(user.ID, string(view.appendUser(nil, &user)))
			if diff := cmp.Diff(user, got, whole...); diff != "" {
				t.Errorf("user (-want +got):\n%s", diff)
			}
			var group domain.Group
			fill(t, reflect.ValueOf(&group).Elem(), &n)
			group.Origin, group.Removed = origin, false
			if diff := cmp.Diff(group, view.readGroup(group.ID, string(view.appendGroup(nil, &group))), whole...); diff != "" {
				t.Errorf("group (-want +got):\n%s", diff)
			}
		}
	}
	var m domain.Membership
	fill(t, reflect.ValueOf(&m).Elem(), &n)
	group, member := view.nodes.need(m.Group.UUID), view.nodes.need(m.Member)
	e := newEdge(view.nodes, group, member)
	if err := e.set(&m); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(m, view.membership(&e), whole...); diff != "" {
		t.Errorf("membership (-want +got):\n%s", diff)
	}
}

func TestSnapshotsKeepEveryFieldOfKeys(t *testing.T) {
	var key domain.APIKey
	n := 0
	fill(t, reflect.ValueOf(&key).Elem(), &n)
	got, err := (&source{from: bytes.NewReader(appendKey(nil, &key))}).key()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(key, got, whole...); diff != "" {
		t.Errorf("key (-want +got):\n%s", diff)
	}
}

func TestRemovedRowsKeepTheirRoot(t *testing.T) {
	view, n := New(nil), 0
	var user domain.User
	fill(t, reflect.ValueOf(&user).Elem(), &n)
	row := view.appendUser(nil, &user)
	if diff := cmp.Diff(domain.User{Root: user.Root, ID: user.ID}, view.readUser(user.ID, string(row)), whole...); diff != "" {
		t.Errorf("removed user (-want +got):\n%s", diff)
	}
	if len(row) > 40 {
		t.Errorf("the row of a removed user takes %d bytes", len(row))
	}
}

func TestNamesBeyondTheTableAreKeptInRows(t *testing.T) {
	view := New(nil)
	for i := range maxNames + 5 {
		user := domain.User{Root: domain.Root{Seq: 1}, Attributes: domain.Attributes{fmt.Sprint(i): domain.StoredAttribute("1")}}
		if diff := cmp.Diff(user.Attributes, view.readUser(user.ID, string(view.appendUser(nil, &user))).Attributes, whole...); diff != "" {
			t.Fatalf("attribute %d (-want +got):\n%s", i, diff)
		}
	}
	if known := len(view.names.all()); known != maxNames {
		t.Errorf("the table has %d names, want %d", known, maxNames)
	}
}

func TestEdgesRefuseWhatTheyCannotHold(t *testing.T) {
	for _, m := range []domain.Membership{
		{Seq: 1 << 32, Kind: domain.UserMember},
		{Seq: 1, Kind: "role"},
		{Seq: 1, Kind: domain.UserMember, Since: time.UnixMilli(1 << 50)},
	} {
		var e edge
		if err := e.set(&m); err == nil {
			t.Errorf("an edge took seq %d, kind %q, since %v", m.Seq, m.Kind, m.Since)
		}
	}
}
