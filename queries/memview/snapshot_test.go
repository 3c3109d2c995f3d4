package memview_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/queries/memview"
	"github.com/seed5b6a70b4/identity/queries/viewtest"
)

// logged is a history whose commits are known by their place in the log.
type logged struct {
	commits               []eventstream.Commit
	users, groups, keyIDs []uuid.UUID
}

// drawLog writes a random history of a directory that is a little larger than a
// block of anything when it is drawn large.
func drawLog(t *rapid.T) *logged {
	h := viewtest.NewHistory(t)
	l := &logged{users: newIDs(t, 20), groups: newIDs(t, 6), keyIDs: newIDs(t, 2)}
	random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
	one := func(ids []uuid.UUID) uuid.UUID { return ids[random.IntN(len(ids))] }
	for range rapid.IntRange(0, 400).Draw(t, "commits") {
		user, group, other := domain.UserID{UUID: one(l.users)}, domain.GroupID{UUID: one(l.groups)}, domain.GroupID{UUID: one(l.groups)}
		switch random.IntN(20) {
		case 0, 1, 2, 3:
			h.User(user, "u", domain.SetAttribute{Name: string(rune('a' + random.IntN(26))), Value: viewtest.Attribute(`"value"`)})
		case 4, 5:
			h.Group(group, "g")
		case 6:
			h.RemoveUser(user)
		case 7:
			if random.IntN(3) == 0 {
				h.RemoveGroup(group)
			}
		case 8:
			h.Write(eventstream.KeyStream(one(l.keyIDs)), domain.SetKey{Hash: "h", Label: viewtest.Text("l"), Scopes: []domain.Scope{domain.ReadScope}, Owner: user, Active: random.IntN(2) == 0})
		case 9, 10:
			if group != other {
				h.Nested(group, other, random.IntN(3) > 0)
			}
		default:
			h.Member(group, user, random.IntN(3) > 0)
		}
	}
	l.commits = slices.Collect(h.All())
	return l
}

func newIDs(t *rapid.T, n int) []uuid.UUID {
	ids := make([]uuid.UUID, n)
	for i := range ids {
		copy(ids[i][:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id"))
		ids[i][15] = byte(i + 1) // not nil, and no other's
	}
	return ids
}

// replay applies what follows a position in the log, as a synchroniser does:
// what a row has already is left.
func (l *logged) replay(view *memview.View, after uint64) error {
	ctx := context.Background()
	for _, commit := range l.commits {
		if commit.Log <= after {
			continue
		}
		if seq, err := view.Seq(ctx, commit.Stream); err != nil || seq >= commit.Seq {
			continue
		}
		if err := view.Apply(ctx, []eventstream.Commit{commit}); err != nil {
			return err
		}
		view.SetApplied(commit.Log)
	}
	return nil
}

func TestLoadAndReplayIsAFullReplay(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		l := drawLog(rt)
		whole := memview.New(nil)
		if err := l.replay(whole, 0); err != nil {
			rt.Fatal(err)
		}
		dir, part := t.TempDir(), memview.New(nil)
		failed := make(chan error, 1)
		var writing sync.WaitGroup
		writing.Go(func() {
			if err := l.replay(part, 0); err != nil {
				failed <- err
			}
		})
		if rapid.Bool().Draw(rt, "tidy meanwhile") {
			writing.Go(func() { _ = part.Tidy(context.Background()) })
		}
		if err := part.Save(dir); err != nil {
			rt.Fatal(err)
		}
		loaded := memview.New(nil)
		position, found, err := loaded.Load(dir)
		if err != nil || !found || loaded.Applied() != position {
			rt.Fatalf("load: found %t, applied %d of %d, %v", found, loaded.Applied(), position, err)
		}
		writing.Wait()
		select {
		case err := <-failed:
			rt.Fatal(err)
		default:
		}
		if err := l.replay(loaded, position); err != nil {
			rt.Fatal(err)
		}
		sameViews(rt, l, whole, loaded)
		for _, view := range []*memview.View{whole, loaded} {
			if err := view.Tidy(context.Background()); err != nil {
				rt.Fatal(err)
			}
		}
		sameViews(rt, l, whole, loaded)
		sameDocuments(rt, l, whole, loaded)
		if a, b := counts(whole), counts(loaded); a != b {
			rt.Fatalf("counts differ: %v and %v", a, b)
		}
	})
}

// sameViews compares all that can be asked of two views.
func sameViews(t *rapid.T, l *logged, a, b *memview.View) {
	t.Helper()
	same := func(what string, a, b any) {
		t.Helper()
		if diff := cmp.Diff(a, b, everything); diff != "" {
			t.Fatalf("%s differ:\n%s", what, diff)
		}
	}
	same("everything listed", listAll(l, a), listAll(l, b))
	for _, commit := range l.commits {
		seqA, _ := a.Seq(context.Background(), commit.Stream)
		seqB, _ := b.Seq(context.Background(), commit.Stream)
		same("seqs", seqA, seqB)
	}
}

func listAll(l *logged, view *memview.View) []any {
	ctx := context.Background()
	var all []any
	add := func(rows any, err error) {
		if err != nil {
			panic(err)
		}
		all = append(all, rows)
	}
	users, err := view.Users(ctx, domain.UserID{}, 100)
	add(users, err)
	groups, err := view.Groups(ctx, domain.GroupID{}, 100)
	add(groups, err)
	keys, err := view.Keys(ctx, domain.KeyID{}, 100)
	add(keys, err)
	for _, id := range l.keyIDs {
		key, err := view.Key(ctx, domain.KeyID{UUID: id})
		add(key, err)
	}
	for _, id := range l.users {
		user, err := view.User(ctx, domain.UserID{UUID: id})
		add(user, err)
		of, err := view.GroupsOf(ctx, id, domain.GroupID{}, 100)
		add(of, err)
	}
	for _, id := range l.groups {
		members, err := view.Members(ctx, domain.GroupID{UUID: id}, uuid.Nil, 100)
		add(members, err)
	}
	return all
}

// counts is what two tidied views of the same rows count alike.
func counts(view *memview.View) [6]int {
	stats := view.Stats()
	return [6]int{stats.Users, stats.Groups, stats.Keys, stats.Memberships, stats.Former, stats.Chores}
}

// sameDocuments compares the documents of what exists, with their revisions.
func sameDocuments(t *rapid.T, l *logged, a, b *memview.View) {
	t.Helper()
	for _, id := range append(slices.Clone(l.users), l.groups...) {
		for _, kind := range []domain.MemberKind{domain.UserMember, domain.GroupMember} {
			documentA, errA := a.Document(context.Background(), kind, id)
			documentB, errB := b.Document(context.Background(), kind, id)
			if err := errors.Join(errA, errB); err != nil {
				t.Fatal(err)
			}
			if documentA.Removed && documentB.Removed {
				continue
			}
			if diff := cmp.Diff(documentA, documentB, everything); diff != "" {
				t.Fatalf("documents differ:\n%s", diff)
			}
		}
	}
}

func TestDamagedSnapshotsArePassedOver(t *testing.T) {
	view := memview.New(nil)
	newDirectory(100).fill(view)
	dir := t.TempDir()
	if err := view.Save(dir); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	whole, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 200 {
		damaged := slices.Clone(whole)
		if i%4 == 0 {
			damaged = damaged[:random.IntN(len(damaged))]
		} else {
			damaged[random.IntN(len(damaged))] ^= byte(1 + random.IntN(255))
		}
		if err := os.WriteFile(files[0], damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		loaded := memview.New(nil)
		_, found, err := loaded.Load(dir)
		if err != nil || found {
			t.Fatalf("a damaged snapshot was loaded: found %t, %v", found, err)
		}
		if stats := loaded.Stats(); stats.Users+stats.Memberships > 0 || loaded.Applied() != 0 {
			t.Fatal("a damaged snapshot left something behind")
		}
	}
}

// TestLargeDirectoriesAreLoadedWhole has more of everything than is copied in one
// step.
func TestLargeDirectoriesAreLoadedWhole(t *testing.T) {
	view, d := memview.New(nil), newDirectory(5000)
	d.fill(view)
	dir, loaded := t.TempDir(), memview.New(nil)
	if err := view.Save(dir); err != nil {
		t.Fatal(err)
	}
	if _, found, err := loaded.Load(dir); err != nil || !found {
		t.Fatalf("load: found %t, %v", found, err)
	}
	if a, b := counts(view), counts(loaded); a != b || a[0] != 5000 {
		t.Errorf("counts differ: %v and %v", a, b)
	}
	if diff := cmp.Diff(slices.Collect(view.Revisions()), slices.Collect(loaded.Revisions()), everything); diff != "" {
		t.Errorf("revisions differ:\n%s", diff)
	}
	l := &logged{users: d.users, groups: d.groups}
	if !reflect.DeepEqual(listAll(l, view), listAll(l, loaded)) {
		t.Error("rows or lists differ")
	}
}

func TestTheOlderSnapshotIsLoadedWhenTheNewerIsDamaged(t *testing.T) {
	view, dir := memview.New(nil), t.TempDir()
	for position, users := range []int{100, 200} {
		newDirectory(users).fill(view)
		view.SetApplied(uint64(position + 1))
		if err := view.Save(dir); err != nil {
			t.Fatal(err)
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) != 2 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	newer, err := os.ReadFile(files[1])
	if err != nil {
		t.Fatal(err)
	}
	newer[len(newer)-1] ^= 1 // found out only after all of it was read
	if err := os.WriteFile(files[1], newer, 0o600); err != nil {
		t.Fatal(err)
	}
	loaded := memview.New(nil)
	position, found, err := loaded.Load(dir)
	if err != nil || !found || position != 1 || loaded.Applied() != 1 {
		t.Fatalf("loaded position %d, applied %d, found %t, %v", position, loaded.Applied(), found, err)
	}
	if stats := loaded.Stats(); stats.Users != 100 {
		t.Errorf("%d users were loaded, of 100", stats.Users)
	}
}

func TestSnapshotsOfAnotherSourceAreNotLoaded(t *testing.T) {
	dir := t.TempDir()
	if err := memview.New(&memview.Options{Source: "a"}).Save(dir); err != nil {
		t.Fatal(err)
	}
	for source, want := range map[string]bool{"a": true, "b": false} {
		if _, found, err := memview.New(&memview.Options{Source: source}).Load(dir); err != nil || found != want {
			t.Errorf("snapshot of a loaded as one of %s: %t, %v", source, found, err)
		}
	}
}
