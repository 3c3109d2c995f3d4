//go:build linux

package memsearch_test

import (
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/queries"
	"github.com/seed5b6a70b4/identity/queries/memsearch"
)

var users = flag.Int("users", 1_000_000, "how many users the benchmarks search among")

// syllables make names that look alike, in seven scripts.
var syllables = [][]string{
	strings.Fields("ma ri a jo han na pe ter lu cas so fia el len an drew mi chael ka tha rine da vid the re sa ro bert ke vin lau ra ste phan"),
	strings.Fields("ma ри на ев ге ний ал ек сан др оль га сер гей на та ша вла ди мир ири"),
	strings.Fields("γιώ ργος μα ρία νί κος ελέ νη δη μή τρης κα τε ρί να"),
	strings.Fields("مح مد أح فا طمة عب دال له خا لد يو سف مر يم حس ين"),
	strings.Fields("अ नि ता रा ज कु मार सु नी ल प्रि या वि का स गी"),
	strings.Fields("김 이 박 최 민 수 지 영 현 우 서 준 은 정"),
	strings.Fields("田 中 太 郎 山 本 花 子 王 李 伟 芳 佐 藤 健 一 美 明 丽 强"),
}

// people makes users whose names are drawn, unevenly, from 30,000.
type people struct {
	random *rand.Rand
	zipf   *rand.Zipf
	names  [][]string
	groups []domain.GroupID
}

func newPeople(seed uint64) *people {
	p := &people{random: rand.New(rand.NewPCG(seed, 1))}
	p.zipf = rand.NewZipf(p.random, 1.05, 20, 4000)
	for script, parts := range syllables {
		seen := map[string]bool{}
		var names []string
		for most := 4500; len(names) < most; {
			name := ""
			length := 2 + p.random.IntN(3)
			if script >= 5 {
				length = 1 + p.random.IntN(3)
			}
			for range length {
				name += parts[p.random.IntN(len(parts))]
			}
			if seen[name] {
				most--
				continue
			}
			seen[name] = true
			names = append(names, name)
		}
		p.names = append(p.names, names)
	}
	for i := range 10_000 {
		p.groups = append(p.groups, domain.GroupID{UUID: p.id(i, 'g')})
	}
	return p
}

func (p *people) id(n int, kind byte) uuid.UUID {
	id := uuid.UUID{8: kind}
	binary.BigEndian.PutUint64(id[:8], uint64(n)<<20|uint64(p.random.IntN(1<<20)))
	return id
}

func (p *people) name(script int) string {
	names := p.names[script]
	return names[p.zipf.Uint64()%uint64(len(names))]
}

func (p *people) user(n int, id uuid.UUID, revision uint64) queries.Document {
	script := 0
	if n%5 < 2 {
		script = n % len(syllables)
	}
	given, family := p.name(script), p.name(script)
	d := queries.Document{
		ID: id, Kind: domain.UserMember, Revision: revision, Name: given + " " + family, GivenName: given, FamilyName: family,
		Active: n%10 != 0, CreatedAt: time.UnixMilli(int64(n) * 1000),
	}
	if script >= 5 {
		d.Name = family + given
	}
	if script > 0 {
		given, family = p.name(0), p.name(0)
	}
	d.Username = fmt.Sprintf("%s.%s%d", given, family, n%1000)
	d.Email = fmt.Sprintf("%s@host%d.com", d.Username, p.random.IntN(1+p.random.IntN(50)))
	for range p.random.IntN(7) {
		size := 10 << p.random.IntN(11)
		d.Groups = append(d.Groups, p.groups[p.random.IntN(size)%len(p.groups)])
	}
	number, _ := domain.ParseAttribute(fmt.Appendf(nil, "%d", n))
	office, _ := domain.ParseAttribute(fmt.Appendf(nil, `"office %d"`, p.random.IntN(200)))
	level, _ := domain.ParseAttribute(fmt.Appendf(nil, "%d", p.random.IntN(5)))
	d.Attributes = domain.Attributes{"number": number, "office": office, "level": level}
	return d
}

// town is an index of many users, made once for all benchmarks.
type town struct {
	*people
	index *memsearch.Index
	ids   []uuid.UUID
	// built and worked are how long it took to put everyone, and the processor's time.
	built, worked time.Duration
}

var theTown = sync.OnceValue(func() *town {
	t := &town{people: newPeople(1), index: memsearch.New(memsearch.Options{})}
	documents := make([]queries.Document, 0, 50_000)
	for n := range *users {
		t.ids = append(t.ids, t.id(n, 'u'))
		documents = append(documents, t.user(n, t.ids[n], 1))
		if len(documents) == cap(documents) || n == *users-1 {
			begin, cpu := time.Now(), processTime()
			t.fill(documents)
			t.built, t.worked = t.built+time.Since(begin), t.worked+processTime()-cpu
			documents = documents[:0]
		}
	}
	t.settle()
	runtime.GC()
	return t
})

// settle runs the index until what was put is in segments.
func (t *town) settle() {
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- t.index.Run(ctx) }()
	for t.index.Stats().Buffered > 1024 {
		time.Sleep(time.Millisecond)
	}
	stop()
	<-ended
}

// fill puts documents a thousand at a time, with all processors.
func (t *town) fill(documents []queries.Document) {
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for some := range slices.Chunk(documents, 1000) {
		group.Go(func() error { return t.index.Put(context.Background(), some) })
	}
	if err := group.Wait(); err != nil {
		panic(err)
	}
}

// searches draws texts of a kind.
func (p *people) searches(kind string) queries.Criteria {
	script := 0
	if p.random.IntN(5) < 2 {
		script = p.random.IntN(len(syllables))
	}
	c := queries.Criteria{Kind: domain.UserMember}
	name := []rune(p.name(script))
	short := func(n int) string { return string(name[:min(n, len(name))]) }
	switch kind {
	case "1 letter", "2 letters", "3 letters", "4 letters":
		c.Text = short(int(kind[0] - '0'))
	case "whole word":
		c.Text = string(name)
	case "two words":
		first := short(3)
		name = []rune(p.name(script))
		c.Text = first + " " + short(3)
	case "three words":
		first := short(2)
		name = []rune(p.name(script))
		c.Text = first + " " + short(2) + " ma"
	case "one typo":
		for len(name) < 5 {
			name = append(name, []rune(p.name(script))...)
		}
		at := 1 + p.random.IntN(len(name)-2)
		name[at], name[at+1] = name[at+1], name[at]
		c.Text = string(name)
	case "typo and word":
		c = p.searches("one typo")
		name = []rune(p.name(script))
		c.Text += " " + short(2)
	case "host":
		c.Text = "@host" + short(0)
	case "by name", "by username", "by created":
		c.Text, c.Sort = short(3), queries.Sort(strings.TrimPrefix(kind, "by "))
	case "everybody by username":
		c.Sort = queries.ByUsername
	case "group":
		c.Group, c.Sort = p.groups[p.random.IntN(1000)], queries.ByName
	case "group, by id":
		c.Group, c.Sort = p.groups[p.random.IntN(1000)], queries.ByID
	case "attributes":
		c.Attributes = map[string]string{"office": fmt.Sprintf("office %d", p.random.IntN(200)), "level": "3"}
	case "active word":
		active := p.random.IntN(2) == 0
		c.Text, c.Active = short(3), &active
	case "inactive, by created":
		active := false
		c.Active, c.Sort, c.Descending = &active, queries.ByCreated, true
	}
	return c
}

var searchKinds = []string{
	"1 letter", "2 letters", "3 letters", "4 letters", "whole word", "two words", "three words", "one typo", "typo and word", "host",
	"by name", "by username", "by created", "everybody by username", "group", "group, by id", "attributes", "active word", "inactive, by created",
}

func BenchmarkSearch(b *testing.B) {
	t := theTown()
	for _, kind := range searchKinds {
		b.Run(kind, func(b *testing.B) {
			p := newPeople(7)
			runtime.LockOSThread()
			var took, worked []time.Duration
			for b.Loop() {
				c := p.searches(kind)
				begin, cpu := time.Now(), threadTime()
				if _, err := t.index.Search(b.Context(), c, nil, 20); err != nil {
					b.Fatal(err)
				}
				took, worked = append(took, time.Since(begin)), append(worked, threadTime()-cpu)
			}
			runtime.UnlockOSThread()
			report(b, "", took)
			report(b, "cpu-", worked)
		})
	}
}

// threadTime is the processor's time of this thread: what a search costs on a
// machine that is busy with other things.
func threadTime() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		panic(err)
	}
	return time.Duration(t.Nano())
}

func report(b *testing.B, of string, took []time.Duration) {
	slices.Sort(took)
	for _, percent := range []int{50, 99} {
		b.ReportMetric(float64(took[len(took)*percent/100].Microseconds())/1000, fmt.Sprintf("%sp%d-ms", of, percent))
	}
}

func BenchmarkBuild(b *testing.B) {
	for b.Loop() {
	}
	t := theTown()
	stats := t.index.Stats()
	b.ReportMetric(t.built.Seconds(), "s")
	b.ReportMetric(t.worked.Seconds(), "cpu-s")
	b.ReportMetric(float64(stats.Bytes)/float64(stats.Documents), "B/user")
	b.ReportMetric(float64(stats.Segments), "segments")
}

// BenchmarkUpdates puts 10,000 changed documents a second, an iteration, ten at a
// time, while searches of all kinds go on, two hundred a second.
func BenchmarkUpdates(b *testing.B) {
	t := theTown()
	ctx, stop := context.WithCancel(b.Context())
	done := make(chan error, 2)
	go func() { done <- t.index.Run(ctx) }()
	writer, searcher, revision := newPeople(3), newPeople(4), uint64(1)
	var took, puts []time.Duration
	written := make(chan []time.Duration, 1)
	before, begin := processTime(), time.Now()
	for b.Loop() {
		go func() { written <- t.update(b, writer, &revision) }()
		for range 200 {
			begin := time.Now()
			c := searcher.searches(searchKinds[searcher.random.IntN(len(searchKinds))])
			if _, err := t.index.Search(ctx, c, nil, 20); err != nil {
				b.Fatal(err)
			}
			took = append(took, time.Since(begin))
			time.Sleep(5*time.Millisecond - time.Since(begin))
		}
		puts = append(puts, <-written...)
	}
	elapsed := time.Since(begin)
	report(b, "", took)
	report(b, "put-", puts)
	stats := t.index.Stats()
	b.ReportMetric(float64(revision-1)/elapsed.Seconds(), "updates/s")
	b.ReportMetric((processTime()-before).Seconds()/elapsed.Seconds(), "cores")
	b.ReportMetric(float64(stats.Segments), "segments")
	b.ReportMetric(float64(stats.Buffered), "buffered")
	b.ReportMetric(float64(stats.Bytes)/float64(stats.Documents), "B/user")
	stop()
	<-done
}

// update puts a second's documents and gives how long each time took.
func (t *town) update(b *testing.B, p *people, revision *uint64) (took []time.Duration) {
	for range 1000 {
		begin := time.Now()
		documents := make([]queries.Document, 10)
		for i := range documents {
			n := p.random.IntN(len(t.ids))
			*revision++
			documents[i] = p.user(n, t.ids[n], *revision)
		}
		if err := t.index.Put(b.Context(), documents); err != nil {
			b.Error(err)
		}
		took = append(took, time.Since(begin))
		time.Sleep(time.Millisecond - time.Since(begin))
	}
	return took
}

// processTime is the processor's time of the whole process.
func processTime() time.Duration {
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func BenchmarkSnapshot(b *testing.B) {
	t, dir := theTown(), b.TempDir()
	b.Run("save", func(b *testing.B) {
		for b.Loop() {
			if err := t.index.Save(dir); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("load", func(b *testing.B) {
		cpu := processTime()
		for b.Loop() {
			if found, err := memsearch.New(memsearch.Options{}).Load(dir, nil); !found || err != nil {
				b.Fatal(found, err)
			}
		}
		b.ReportMetric((processTime()-cpu).Seconds()/float64(b.N), "cpu-s")
	})
}
