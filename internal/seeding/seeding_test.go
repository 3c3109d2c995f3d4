package seeding_test

import (
	"math"
	"reflect"
	"testing"
	"unicode"

	"pgregory.net/rapid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/internal/seeding"
)

// Whatever the seed, every value keeps to the directory's rules: a bad one panics.
func TestEverySeedMakesWhatTheDirectoryTakes(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		plan := seeding.Plan{Users: math.MaxInt32, Groups: math.MaxInt32, Seed: rapid.Uint64().Draw(rt, "seed")}
		for range 100 {
			number := rapid.IntRange(0, math.MaxInt32).Draw(rt, "number")
			if plan.User(number).Username.Key() == "" || plan.Group(number).Name.Key() == "" {
				rt.Fatalf("%d has no name that is its own", number)
			}
		}
	})
}

// Users and groups are the same every time, in a larger plan as in a smaller one,
// and of another seed share nothing that must be unique.
func TestSameSeedSameData(t *testing.T) {
	small, large := seeding.Plan{Users: 500, Groups: 50, Seed: 1}, seeding.Plan{Users: 5000, Groups: 50, Seed: 1}
	other := seeding.Plan{Users: 500, Groups: 50, Seed: 2}
	for number := range small.Users {
		if a, b := small.User(number), large.User(number); !reflect.DeepEqual(a, b) {
			t.Fatalf("user %d differs between plans of one seed:\n%+v\n%+v", number, a, b)
		}
		if small.User(number).ID != small.UserID(number) {
			t.Fatalf("user %d has two ids", number)
		}
	}
	for number := range small.Groups {
		if a, b := small.Group(number), large.Group(number); !reflect.DeepEqual(a, b) || a.ID != small.GroupID(number) {
			t.Fatalf("group %d differs between plans of one seed:\n%+v\n%+v", number, a, b)
		}
	}
	unique := values(t, small)
	for value := range values(t, other) {
		if unique[value] {
			t.Errorf("two seeds share %s", value)
		}
	}
}

// values are the ids and unique values of a plan, each of which occurs once.
func values(t *testing.T, plan seeding.Plan) map[string]bool {
	t.Helper()
	seen := map[string]bool{}
	add := func(kind, key string) {
		if key != "" && seen[kind+key] {
			t.Fatalf("%s %s occurs twice", kind, key)
		}
		if key != "" {
			seen[kind+key] = true
		}
	}
	for number := range plan.Users {
		user := plan.User(number)
		add("id ", user.ID.String())
		add("username ", user.Username.Key())
		if !user.Email.IsZero() {
			add("e-mail ", user.Email.Key())
		}
		add("external id ", user.ExternalID.Key())
	}
	for number := range plan.Groups {
		group := plan.Group(number)
		add("id ", group.ID.String())
		add("group name ", group.Name.Key())
		add("external id ", group.ExternalID.Key())
	}
	return seen
}

// Every value keeps to the directory's rules (a bad one panics), names come in
// many scripts, and there are about three attributes a user.
func TestUsersAreLikeRealOnes(t *testing.T) {
	plan := seeding.Plan{Users: 20000, Groups: 1, Seed: 7}
	values(t, plan)
	scripts := map[string]int{}
	attributes := 0
	for number := range plan.Users {
		user := plan.User(number)
		attributes += len(user.Attributes)
		if err := user.Attributes.Check(); err != nil {
			t.Fatal(err)
		}
		for script, table := range unicode.Scripts {
			for _, letter := range user.Name.String() {
				if unicode.Is(table, letter) {
					scripts[script]++
					break
				}
			}
		}
	}
	for _, script := range []string{"Latin", "Cyrillic", "Greek", "Arabic", "Devanagari", "Hangul", "Han", "Hiragana", "Katakana", "Hebrew", "Thai"} {
		if scripts[script] < plan.Users/500 {
			t.Errorf("only %d of %d names have %s letters", scripts[script], plan.Users, script)
		}
	}
	if average := float64(attributes) / float64(plan.Users); average < 2.8 || average > 3.2 {
		t.Errorf("%.2f attributes a user, not about 3", average)
	}
}

// Ids are UUIDs of version 7 in the order of the numbers.
func TestIDsAscend(t *testing.T) {
	plan := seeding.Plan{Seed: 3}
	before := domain.UserID{}
	for number := range 1000 {
		id := plan.UserID(number)
		if id.Version() != 7 || id.Variant() != 1 || before.String() >= id.String() {
			t.Fatalf("id %d is %s, version %d, after %s", number, id, id.Version(), before)
		}
		before = id
	}
}

func TestMembershipsAreUneven(t *testing.T) {
	plan := seeding.Plan{Users: 20000, Groups: 1000, Seed: 1}
	roster := plan.Roster()
	if average := float64(roster.Len()) / float64(plan.Users); average < 2.7 || average > 3.1 {
		t.Errorf("%.2f memberships a user, not about 3", average)
	}
	total, small := 0, 0
	for group := range plan.Groups {
		members := roster.Members(group)
		total += len(members)
		if len(members) <= 40 {
			small++
		}
		for i := 1; i < len(members); i++ {
			if members[i-1] >= members[i] {
				t.Fatalf("group %d lists %d after %d", group, members[i], members[i-1])
			}
		}
	}
	if total != roster.Len() {
		t.Errorf("groups have %d members in all, of %d", total, roster.Len())
	}
	if largest := len(roster.Members(0)); largest < total/20 || small < plan.Groups/2 {
		t.Errorf("the first of %d groups has %d of %d, and only %d are small", plan.Groups, largest, total, small)
	}
}

func TestNestingIsSixDeepAndAcyclic(t *testing.T) {
	plan := seeding.Plan{Groups: 2000, Seed: 1}
	deepest, nested := 0, 0
	for number := range plan.Groups {
		depth := 1
		for at := number; ; depth++ {
			parent, is := plan.Parent(at)
			if !is {
				break
			}
			if parent >= at {
				t.Fatalf("group %d is in %d, which comes later", at, parent)
			}
			at = parent
		}
		deepest = max(deepest, depth)
		if depth > 1 {
			nested++
		}
	}
	if deepest != seeding.MaxDepth || nested < plan.Groups/3 {
		t.Errorf("%d deep, not %d; %d of %d nested", deepest, seeding.MaxDepth, nested, plan.Groups)
	}
}

func BenchmarkUser(b *testing.B) {
	plan := seeding.Plan{Seed: 1}
	for number := 0; b.Loop(); number++ {
		plan.User(number)
	}
}
