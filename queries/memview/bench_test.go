package memview_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/queries/memview"
	"github.com/seed5b6a70b4/identity/queries/viewtest"
)

var benchUsers = flag.Int("users", 100_000, "how many users the benchmarks are run with")

// commitOf makes a commit without a store, for there are millions.
func commitOf(stream eventstream.StreamID, seq int, events ...domain.Event) []eventstream.Commit {
	data, err := domain.EncodeEvents(events)
	if err != nil {
		panic(err)
	}
	return []eventstream.Commit{{Stream: stream, Seq: eventstream.Seq(seq), Time: time.UnixMilli(1.8e12).UTC(), Data: data}}
}

// directory is a made-up one like production: three attributes and three
// memberships a user, a group for fifty users.
type directory struct {
	users, groups []uuid.UUID
}

func newDirectory(users int) *directory {
	d := &directory{users: make([]uuid.UUID, users), groups: make([]uuid.UUID, users/50+1)}
	for _, ids := range [][]uuid.UUID{d.users, d.groups} {
		for i := range ids {
			ids[i] = uuid.Must(uuid.NewV7())
		}
	}
	return d
}

func userCommits(id uuid.UUID, n int) []eventstream.Commit {
	given, family := fmt.Sprintf("Given%d", n%1000), fmt.Sprintf("Family%d", n%30000)
	return commitOf(eventstream.UserStream(id), 1,
		domain.SetUsername{Username: viewtest.Username(fmt.Sprintf("user.%d", n))},
		domain.SetEmail{Email: viewtest.Email(fmt.Sprintf("given.family.%d@example.com", n))},
		domain.SetName{Name: viewtest.Text(given + " " + family)}, domain.SetGivenName{GivenName: viewtest.Text(given)}, domain.SetFamilyName{FamilyName: viewtest.Text(family)},
		domain.SetActive{Active: true},
		domain.SetAttribute{Name: "department", Value: viewtest.Attribute(fmt.Sprintf(`"Engineering %07d"`, n))},
		domain.SetAttribute{Name: "costCenter", Value: viewtest.Attribute(fmt.Sprintf(`"CC-12345678 %07d"`, n))},
		domain.SetAttribute{Name: "title", Value: viewtest.Attribute(`"Senior Engineer II "`)},
	)
}

func memberCommits(group, member uuid.UUID, seq int, present bool) []eventstream.Commit {
	return commitOf(eventstream.MemberStream(group, member), seq, domain.SetMember{Present: present, Kind: domain.UserMember})
}

func (d *directory) groupCommits(i int) []eventstream.Commit {
	return commitOf(eventstream.GroupStream(d.groups[i]), 1, domain.SetGroupName{Name: viewtest.GroupName(fmt.Sprintf("Group %d", i))})
}

// memberships gives three groups a user, uneven in size.
func (d *directory) memberships(i int) [3]uuid.UUID {
	random := rand.New(rand.NewPCG(1, uint64(i)))
	var groups [3]uuid.UUID
	for j := range groups {
		groups[j] = d.groups[int(random.Float64()*random.Float64()*float64(len(d.groups)))]
	}
	return groups
}

func apply(view *memview.View, commits []eventstream.Commit) {
	if err := view.Apply(context.Background(), commits); err != nil {
		panic(err)
	}
}

func (d *directory) fill(view *memview.View) {
	for i := range d.groups {
		apply(view, d.groupCommits(i))
	}
	var filling sync.WaitGroup
	for part := range 2 {
		filling.Go(func() {
			for i := part; i < len(d.users); i += 2 {
				apply(view, userCommits(d.users[i], i))
				for _, group := range d.memberships(i) {
					// A user may be drawn into a group twice.
					_ = view.Apply(context.Background(), memberCommits(group, d.users[i], 1, true))
				}
			}
		})
	}
	filling.Wait()
}

var filled = sync.OnceValues(func() (*memview.View, *directory) {
	view, d := memview.New(nil), newDirectory(*benchUsers)
	d.fill(view)
	return view, d
})

func heapInUse() uint64 {
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapInuse
}

// processorTime has a benchmark report the time that it really worked, which on a
// shared machine is less than went by. It is called where the clock starts.
func processorTime(b *testing.B) (report func()) {
	used := func() time.Duration {
		var usage syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
			b.Fatal(err)
		}
		return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
	}
	start := used()
	return func() { b.ReportMetric(float64(used()-start)/float64(b.N), "cpu-ns/op") }
}

func BenchmarkMemory(b *testing.B) {
	before := heapInUse()
	view, d := filled()
	held := heapInUse() - before - uint64(16*(len(d.users)+len(d.groups)))
	for b.Loop() {
		runtime.GC()
	}
	b.ReportMetric(float64(held)/float64(len(d.users)), "B/user")
	runtime.KeepAlive(view)
}

func BenchmarkUser(b *testing.B) {
	view, d := filled()
	random := rand.New(rand.NewPCG(1, 2))
	b.ReportAllocs()
	defer processorTime(b)()
	for b.Loop() {
		user, err := view.User(context.Background(), domain.UserID{UUID: d.users[random.IntN(len(d.users))]})
		if err != nil || user.Seq == 0 {
			b.Fatal("no user")
		}
	}
}

func BenchmarkUsersPage(b *testing.B) {
	view, d := filled()
	random := rand.New(rand.NewPCG(1, 2))
	defer processorTime(b)()
	for b.Loop() {
		if _, err := view.Users(context.Background(), domain.UserID{UUID: d.users[random.IntN(len(d.users))]}, 50); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkGroupsOf(b *testing.B) {
	view, d := filled()
	random := rand.New(rand.NewPCG(1, 2))
	defer processorTime(b)()
	for b.Loop() {
		if _, err := view.GroupsOf(context.Background(), d.users[random.IntN(len(d.users))], domain.GroupID{}, 50); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkMembers is the same for a group of ten and one of many.
func BenchmarkMembers(b *testing.B) {
	view, d := filled()
	for _, size := range []int{10, 100_000} {
		size = min(size, len(d.users))
		group := uuid.New()
		apply(view, commitOf(eventstream.GroupStream(group), 1, domain.SetGroupName{Name: viewtest.GroupName("g")}))
		for i := range size {
			apply(view, memberCommits(group, d.users[i], 1, true))
		}
		random := rand.New(rand.NewPCG(1, 2))
		one := func() uuid.UUID { return d.users[random.IntN(size)] }
		b.Run(fmt.Sprintf("page of 50/%d", size), func(b *testing.B) {
			defer processorTime(b)()
			for b.Loop() {
				if _, err := view.Members(context.Background(), domain.GroupID{UUID: group}, one(), 50); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("check/%d", size), func(b *testing.B) {
			defer processorTime(b)()
			for b.Loop() {
				if m, err := view.Membership(context.Background(), domain.GroupID{UUID: group}, one()); err != nil || !m.Present {
					b.Fatal("no member")
				}
			}
		})
		seqs := map[uuid.UUID]int{}
		b.Run(fmt.Sprintf("leave and join/%d", size), func(b *testing.B) {
			commits := make([][2][]eventstream.Commit, b.N)
			for i := range commits {
				id := one()
				seqs[id] += 2
				commits[i] = [2][]eventstream.Commit{memberCommits(group, id, seqs[id], false), memberCommits(group, id, seqs[id]+1, true)}
			}
			b.ResetTimer()
			defer processorTime(b)()
			for i := range b.N {
				apply(view, commits[i][0])
				apply(view, commits[i][1])
			}
		})
	}
}

func BenchmarkApply(b *testing.B) {
	for _, kind := range []string{"user", "member"} {
		b.Run(kind, func(b *testing.B) {
			d := newDirectory(b.N)
			view := memview.New(nil)
			commits := make([][]eventstream.Commit, b.N)
			for i := range d.groups {
				apply(view, d.groupCommits(i))
			}
			for i, id := range d.users {
				commits[i] = userCommits(id, i)
				if kind == "member" {
					apply(view, commits[i])
					commits[i] = memberCommits(d.memberships(i)[0], id, 1, true)
				}
			}
			b.ReportAllocs()
			b.ResetTimer()
			defer processorTime(b)()
			for i := range b.N {
				apply(view, commits[i])
			}
		})
	}
}

func BenchmarkSnapshot(b *testing.B) {
	view, d := filled()
	dir := b.TempDir()
	b.Run("save", func(b *testing.B) {
		defer processorTime(b)()
		for b.Loop() {
			if err := view.Save(dir); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("load", func(b *testing.B) {
		defer processorTime(b)()
		for b.Loop() {
			loaded := memview.New(nil)
			if _, found, err := loaded.Load(dir); err != nil || !found {
				b.Fatal("no snapshot")
			}
			if loaded.Stats().Users != len(d.users) {
				b.Fatal("users are missing")
			}
		}
	})
}
