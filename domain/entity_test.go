package domain_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
)

func TestAUserIsWhatItsCommitsSay(t *testing.T) {
	user := domain.User{ID: domain.UserID{UUID: user1}}
	if user.Exists() {
		t.Fatal("a user without commits exists")
	}
	if err := user.Apply(1, noon, append([]domain.Event{domain.SetOrigin{Digest: "d"}}, newUser()...)); err != nil {
		t.Fatal(err)
	}
	want := domain.User{
		Root: domain.Root{Seq: 1, CreatedAt: noon, UpdatedAt: noon, Origin: "d"},
		ID:   domain.UserID{UUID: user1}, Username: must(domain.ParseUsername("eleni.papadopoulou")), Email: must(domain.ParseEmail("eleni.papadopoulou@example.com")),
		Name: text("Ελένη Παπαδοπούλου"), GivenName: text("Ελένη"), FamilyName: text("Παπαδοπούλου"), Active: true,
		Attributes: domain.Attributes{"department": attribute(`"Research and Development"`), "floor": attribute("4"), "languages": attribute(`["el","en","de"]`)},
	}
	if diff := exact(user, want); diff != "" || !user.Exists() {
		t.Fatalf("after its creation (-want +got):\n%s", diff)
	}

	later := noon.Add(time.Hour)
	change := []domain.Event{
		domain.SetEmail{},
		domain.SetActive{},
		domain.SetExternalID{ExternalID: must(domain.ParseExternalID("hr/1"))},
		domain.SetAttribute{Name: "floor"},
		domain.SetAttribute{Name: "none"},
		domain.SetAttribute{Name: "desk", Value: attribute(`"7b"`)},
	}
	if err := user.Apply(2, later, change); err != nil {
		t.Fatal(err)
	}
	want.Seq, want.UpdatedAt, want.Email, want.Active, want.ExternalID = 2, later, domain.Email{}, false, must(domain.ParseExternalID("hr/1"))
	want.Attributes = domain.Attributes{"department": attribute(`"Research and Development"`), "desk": attribute(`"7b"`), "languages": attribute(`["el","en","de"]`)}
	if diff := exact(user, want); diff != "" {
		t.Fatalf("after a change (-want +got):\n%s", diff)
	}

	if err := user.Apply(3, later, []domain.Event{domain.SetRemoved{Removed: true}}); err != nil || user.Exists() || user.Seq != 3 {
		t.Fatalf("after its removal: exists %v at %d (%v)", user.Exists(), user.Seq, err)
	}
}

func TestAMembershipIsSinceItLastBeganOrEnded(t *testing.T) {
	membership := domain.Membership{Group: group1, Member: user1}
	in, out := domain.SetMember{Present: true, Kind: domain.UserMember}, domain.SetMember{Kind: domain.UserMember}
	for i, step := range []struct {
		event domain.SetMember
		since int
	}{{in, 1}, {in, 1}, {out, 3}, {out, 3}, {in, 5}, {in, 5}} {
		seq := uint64(i + 1)
		if err := membership.Apply(seq, noon.Add(time.Duration(seq)*time.Minute), []domain.Event{step.event}); err != nil {
			t.Fatal(err)
		}
		want := domain.Membership{Group: group1, Member: user1, Kind: domain.UserMember, Seq: seq, Present: step.event.Present, Since: noon.Add(time.Duration(step.since) * time.Minute)}
		if membership != want {
			t.Errorf("after commit %d it is %v, want %v", seq, membership, want)
		}
	}
}

func TestScopes(t *testing.T) {
	for _, test := range []struct {
		key                domain.APIKey
		read, write, admin bool
	}{
		{domain.APIKey{Active: true}, false, false, false},
		{domain.APIKey{Active: true, Scopes: []domain.Scope{domain.ReadScope}}, true, false, false},
		{domain.APIKey{Active: true, Scopes: []domain.Scope{domain.WriteScope}}, false, true, false},
		{domain.APIKey{Active: true, Scopes: []domain.Scope{domain.WriteScope, domain.ReadScope}}, true, true, false},
		{domain.APIKey{Active: true, Scopes: []domain.Scope{domain.AdminScope}}, true, true, true},
		{domain.APIKey{Active: true, Scopes: []domain.Scope{"everything"}}, false, false, false},
		{domain.APIKey{Scopes: []domain.Scope{domain.AdminScope}}, false, false, false},
	} {
		read, write, admin := test.key.Allows(domain.ReadScope), test.key.Allows(domain.WriteScope), test.key.Allows(domain.AdminScope)
		if read != test.read || write != test.write || admin != test.admin {
			t.Errorf("%v, active %v: read %v, write %v, admin %v", test.key.Scopes, test.key.Active, read, write, admin)
		}
	}
	for _, name := range []string{"read", "write", "admin"} {
		if scope, err := domain.ParseScope(name); err != nil || string(scope) != name {
			t.Errorf("%s: %v, %v", name, scope, err)
		}
	}
	for _, name := range []string{"", "Read", "read ", "*", "owner"} {
		if scope, err := domain.ParseScope(name); !errors.Is(err, domain.Invalid) || scope != "" {
			t.Errorf("%q: %v, %v; want domain.Invalid", name, scope, err)
		}
	}
}

func TestAClaimIsFreeFor(t *testing.T) {
	const quarantine = 30 * 24 * time.Hour
	mine, others := user1, group1.UUID
	taken := commit{1, noon, []domain.Event{domain.SetOwner{Owner: others, Kind: domain.GroupMember, OwnerSeq: 4}}}
	released := commit{2, noon.Add(time.Hour), []domain.Event{domain.SetOwner{OwnerSeq: 5, Former: others}}}
	ends := noon.Add(time.Hour + quarantine)
	for _, test := range []struct {
		name       string
		history    []commit
		asks       uuid.UUID
		at         time.Time
		quarantine time.Duration
		free       bool
		until      time.Time
	}{
		{"never claimed", nil, mine, noon, quarantine, true, time.Time{}},
		{"held by another", []commit{taken}, mine, ends.Add(time.Hour), quarantine, false, time.Time{}},
		{"held by oneself", []commit{taken}, others, noon, quarantine, true, time.Time{}},
		{"just released", []commit{taken, released}, mine, noon.Add(time.Hour), quarantine, false, ends},
		{"before its quarantine ends", []commit{taken, released}, mine, ends.Add(-1), quarantine, false, ends},
		{"when its quarantine ends", []commit{taken, released}, mine, ends, quarantine, true, ends},
		{"with the clock set back", []commit{taken, released}, mine, noon.Add(-time.Hour), quarantine, false, ends},
		{"taken back at once", []commit{taken, released}, others, noon.Add(time.Hour), quarantine, true, time.Time{}},
		{"without quarantine", []commit{taken, released}, mine, noon.Add(time.Hour), 0, true, noon.Add(time.Hour)},
		{"without quarantine, with the clock set back", []commit{taken, released}, mine, noon, 0, true, noon.Add(time.Hour)},
		{"by its last commit alone", []commit{released}, mine, ends.Add(-1), quarantine, false, ends},
	} {
		var claim domain.Claim
		for _, c := range test.history {
			if err := claim.Apply(c.seq, c.at, c.events); err != nil {
				t.Fatal(err)
			}
		}
		if free, until := claim.FreeFor(test.asks, test.at, test.quarantine); free != test.free || !until.Equal(test.until) {
			t.Errorf("%s: %v until %v, want %v until %v", test.name, free, until, test.free, test.until)
		}
	}
}

func TestAClaimKeepsItsLastCommit(t *testing.T) {
	var claim domain.Claim
	for seq, set := range map[uint64]domain.SetOwner{7: {Owner: user1, Kind: domain.UserMember, OwnerSeq: 23}} {
		if err := claim.Apply(seq, noon, []domain.Event{set}); err != nil {
			t.Fatal(err)
		}
	}
	want := domain.Claim{Seq: 7, Owner: user1, Kind: domain.UserMember, OwnerSeq: 23}
	for _, c := range []commit{{6, noon, []domain.Event{domain.SetOwner{}}}, {7, noon, []domain.Event{domain.SetOwner{}}}} {
		if err := claim.Apply(c.seq, c.at, c.events); err != nil || claim != want {
			t.Errorf("after commit %d again it is %v (%v), want %v", c.seq, claim, err, want)
		}
	}
	if err := claim.Apply(8, noon, []domain.Event{domain.SetOwner{}, domain.SetActive{}}); !errors.Is(err, domain.ErrUnknownEvent) || claim != want {
		t.Errorf("after a foreign event it is %v (%v), want %v", claim, err, want)
	}
}

func TestClaimKeys(t *testing.T) {
	a, b := domain.ClaimSecret{1}, domain.ClaimSecret{2}
	if got := a.Key(domain.EmailClaim, "eleni@example.com"); got != "0cd47b0f3098dbe139f52e3bd178b075" {
		t.Errorf("the key is %s: keys name streams and cannot change", got)
	}
	if got := a.ID(); got != "f0ceecc8a3c2f8b9" {
		t.Errorf("the secret's name is %s: stores hold it", got)
	}
	seen := map[string]bool{a.ID(): true}
	for _, key := range []string{
		b.ID(), a.Key(domain.EmailClaim, "x"), b.Key(domain.EmailClaim, "x"), a.Key(domain.UsernameClaim, "x"), a.Key(domain.EmailClaim, "y"), a.Key(domain.EmailClaim, ""),
		a.Key("emai", "l\x00x"), a.Key("email\x00", "x"),
	} {
		if seen[key] {
			t.Errorf("%s names two things", key)
		}
		seen[key] = true
	}
	for _, printed := range []string{fmt.Sprint(a), fmt.Sprintf("%+v", a), fmt.Sprintf("%#v", a), fmt.Sprintf("%v", struct{ Secret domain.ClaimSecret }{a})} {
		if strings.Contains(printed, "1 0 0") || strings.Contains(printed, "0x1, 0x0") || strings.Contains(printed, "\x01") {
			t.Errorf("printed it is %s", printed)
		}
	}
}
