package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/seed5b6a70b4/identity/commands"
	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/httpapi"
	"github.com/seed5b6a70b4/identity/internal/audit"
	"github.com/seed5b6a70b4/identity/queries"
	"github.com/seed5b6a70b4/identity/queries/memview"
)

// running are backends over a directory that do what they do in the background,
// until the test ends or stop.
func running(t *testing.T, data string, s settings) (b *embedded, stop func()) {
	t.Helper()
	b, err := openEmbedded(t.Context(), data, s)
	if err != nil {
		t.Fatal(err)
	}
	b.rebuilder.grace, b.rebuilder.succession = 0, time.Minute // a machine may be slow
	ctx, cancel := context.WithCancel(context.Background())
	var group errgroup.Group
	group.Go(func() error { return b.run(ctx) })
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := errors.Join(group.Wait(), b.close()); err != nil {
			t.Errorf("stop: %v", err)
		}
	}
	t.Cleanup(stop)
	return b, stop
}

// rebuilt builds views anew and waits for the end of that.
func rebuilt(t *testing.T, b *embedded, order httpapi.RebuildOrder) httpapi.Rebuild {
	t.Helper()
	if err := b.rebuilder.Rebuild(t.Context(), order); err != nil {
		t.Fatal(err)
	}
	return ended(t, b)
}

func ended(t *testing.T, b *embedded) httpapi.Rebuild {
	t.Helper()
	select {
	case b.rebuilder.changing <- struct{}{}:
		<-b.rebuilder.changing
	case <-time.After(time.Minute):
		t.Fatal("the rebuild does not end")
	}
	g, err := b.rebuilder.Generations(t.Context())
	if err != nil || g.Rebuild == nil || g.Rebuild.State == httpapi.Running {
		t.Fatalf("generations %+v, %v", g, err)
	}
	return *g.Rebuild
}

func wantDone(t *testing.T, r httpapi.Rebuild) {
	t.Helper()
	if r.State != httpapi.Done || r.Done != r.Total {
		t.Fatalf("the rebuild, %d of %d, %s: %s %+v", r.Done, r.Total, r.State, r.Reason, r.Comparisons)
	}
}

// unheard is an audit whose findings are only counted.
var unheard = audit.Options{Found: func(audit.Finding) {}, Progress: func(string, uint64, uint64) {}}

var everything = httpapi.RebuildOrder{Views: []string{httpapi.RowsView, httpapi.SearchView}}

// populate makes users, groups, memberships and removed ones of all of these.
func populate(t *testing.T, b *embedded, users int) (ids []domain.UserID) {
	t.Helper()
	group := done(t, b, commands.CreateGroup{Name: parsedName(t, "staff")}).Group.ID
	former := done(t, b, commands.CreateGroup{Name: parsedName(t, "former")}).Group.ID
	for i := range users {
		id := domain.UserID{UUID: created(t, b, fmt.Sprintf("user-%d", i))}
		done(t, b, commands.AddMember{Group: group, Member: id.UUID})
		done(t, b, commands.AddMember{Group: former, Member: id.UUID})
		switch i % 5 {
		case 1:
			done(t, b, commands.RemoveMember{Group: group, Member: id.UUID})
		case 2:
			done(t, b, commands.DeleteUser{ID: id})
			continue
		}
		ids = append(ids, id)
	}
	done(t, b, commands.DeleteGroup{ID: former})
	return ids
}

func parsedName(t *testing.T, text string) domain.GroupName {
	t.Helper()
	name, err := domain.ParseGroupName(text)
	if err != nil {
		t.Fatal(err)
	}
	return name
}

func done(t *testing.T, b *embedded, command commands.Command) commands.Result {
	t.Helper()
	result, err := b.commands.Do(t.Context(), commands.Request{Actor: "test", Correlation: "test"}, command)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// states are how the generations stand, as "rows 1 answering".
func states(t *testing.T, b *embedded) string {
	t.Helper()
	g, err := b.rebuilder.Generations(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, view := range g.Views {
		if view.View == httpapi.ClosureView {
			continue
		}
		for _, one := range view.Generations {
			all = append(all, fmt.Sprintf("%s %d %s", view.View, one.Number, one.State))
		}
	}
	return strings.Join(all, ", ")
}

func wantStates(t *testing.T, b *embedded, want string) {
	t.Helper()
	if got := states(t, b); got != want {
		t.Errorf("generations: %s; want %s", got, want)
	}
}

func TestARebuildEndsEqualAndCanBeTakenBack(t *testing.T) {
	b, _ := running(t, t.TempDir(), settings{})
	ids := populate(t, b, 100)
	r := rebuilt(t, b, everything)
	wantDone(t, r)
	if len(r.Comparisons) != 2 || r.Comparisons[0].Compared < 300 || r.Comparisons[0].Sampled == 0 || r.Comparisons[1].Compared == 0 {
		t.Errorf("compared %+v", r.Comparisons)
	}
	wantStates(t, b, "rows 2 answering, rows 1 kept, search 2 answering, search 1 kept")
	added := done(t, b, commands.CreateUser{Username: must(domain.ParseUsername("later"))}).User.ID
	check := func() {
		t.Helper()
		for _, id := range append(ids, added) {
			if _, err := b.reader.User(t.Context(), id, queries.Freshness{Latest: true, Wait: queries.MaxWait}); err != nil {
				t.Errorf("a user: %v", err)
			}
		}
		page, err := b.reader.Users(t.Context(), queries.Criteria{Text: "later"}, queries.Listing{}, queries.Freshness{Latest: true, Wait: queries.MaxWait})
		if err != nil || len(page.Items) != 1 {
			t.Errorf("%d found, %v", len(page.Items), err)
		}
	}
	check()
	if err := b.rebuilder.Back(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantStates(t, b, "rows 1 answering, rows 2 kept, search 1 answering, search 2 kept")
	check()
	if err := b.rebuilder.Drop(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantStates(t, b, "rows 1 answering, search 1 answering")
	check()
	if err := b.rebuilder.Back(t.Context()); !errors.Is(err, httpapi.ErrNothingKept) {
		t.Errorf("back to what was dropped: %v", err)
	}
	wantDone(t, rebuilt(t, b, httpapi.RebuildOrder{Views: []string{httpapi.SearchView}}))
	wantStates(t, b, "rows 1 answering, search 2 answering, search 1 kept")
	check()
	wantDone(t, rebuilt(t, b, httpapi.RebuildOrder{Views: []string{httpapi.RowsView}}))
	wantStates(t, b, "rows 2 answering, rows 1 kept, search 3 answering, search 2 kept")
	check()
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// TestReadersNoticeNothing has readers and writers at work, with tokens, while
// generations are built and switched to and fro.
func TestReadersNoticeNothing(t *testing.T) {
	b, _ := running(t, t.TempDir(), settings{})
	populate(t, b, 200)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var group errgroup.Group
	var rounds atomic.Int64
	for worker := range 4 {
		group.Go(func() error { return work(ctx, b, worker, &rounds) })
	}
	for range 3 {
		wantDone(t, rebuilt(t, b, everything))
		for range 4 {
			if err := b.rebuilder.Back(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		wantDone(t, rebuilt(t, b, httpapi.RebuildOrder{Views: []string{httpapi.SearchView}}))
	}
	before := rounds.Load()
	for rounds.Load() < before+8 {
		if err := b.rebuilder.Back(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	if report, err := b.verify(t.Context(), unheard); err != nil || report.Drift > 0 {
		t.Errorf("%d findings, %v", report.Drift, err)
	}
}

// work writes and reads what it wrote, and fails at whatever is old or refused.
func work(ctx context.Context, b *embedded, worker int, rounds *atomic.Int64) error {
	request := commands.Request{Actor: "test", Correlation: "test"}
	for round := 0; ctx.Err() == nil; round++ {
		name := fmt.Sprintf("worker%dround%d", worker, round)
		// A command once begun is ended: the test's end must not look like a fault.
		ctx := context.WithoutCancel(ctx)
		made, err := b.commands.Do(ctx, request, commands.CreateUser{Username: must(domain.ParseUsername(name))})
		if err != nil {
			return err
		}
		id := made.User.ID
		fresh := queries.Freshness{AtLeast: eventstream.Token{{Stream: eventstream.UserStream(id.UUID), Seq: 1}}, Wait: queries.MaxWait}
		if _, err := b.reader.User(ctx, id, fresh); err != nil {
			return fmt.Errorf("read a user: %w", err)
		}
		before, err := b.reader.Users(ctx, queries.Criteria{}, queries.Listing{Limit: 1}, queries.Freshness{Latest: true, Wait: queries.MaxWait})
		if err != nil {
			return fmt.Errorf("list: %w", err)
		}
		if len(before.RestsOn) != 1 {
			return fmt.Errorf("a list rests on %v", before.RestsOn)
		}
		found, err := b.reader.Users(ctx, queries.Criteria{Text: name}, queries.Listing{}, fresh)
		if err != nil {
			return fmt.Errorf("search: %w", err)
		}
		if len(found.Items) == 0 || found.Items[0].ID != id {
			return fmt.Errorf("%s was written, and is not found", name)
		}
		again, err := b.reader.Users(ctx, queries.Criteria{}, queries.Listing{Limit: 1}, queries.Freshness{AtLeast: before.RestsOn, Wait: queries.MaxWait})
		if err != nil {
			return fmt.Errorf("list with a token of an earlier one: %w", err)
		}
		if again.RestsOn[0].Seq < before.RestsOn[0].Seq {
			return fmt.Errorf("a list rests on %d, after one that rests on %d", again.RestsOn[0].Seq, before.RestsOn[0].Seq)
		}
		rounds.Add(1)
	}
	return nil
}

func TestADifferenceStopsTheRebuild(t *testing.T) {
	b, _ := running(t, t.TempDir(), settings{})
	ids := populate(t, b, 20)
	// The rows that answer show somebody as the log has never said.
	stream := eventstream.UserStream(ids[0].UUID)
	last, err := b.store.Last(t.Context(), stream)
	if err != nil {
		t.Fatal(err)
	}
	drifted := last
	drifted.Seq++
	drifted.Data = must(domain.EncodeEvents([]domain.Event{domain.SetActive{Active: true}}))
	if err := b.answering.Load().rows.view.Apply(t.Context(), []eventstream.Commit{drifted}); err != nil {
		t.Fatal(err)
	}
	r := rebuilt(t, b, everything)
	if r.State != httpapi.Failed || len(r.Comparisons) == 0 || r.Comparisons[0].Differing != 1 || r.Comparisons[0].Differences[0].Stream != string(stream) {
		t.Fatalf("%+v", r)
	}
	wantStates(t, b, "rows 1 answering, search 1 answering")
	forced := everything
	forced.Force = true
	wantDone(t, rebuilt(t, b, forced))
	user, err := b.reader.User(t.Context(), ids[0], queries.Freshness{})
	if err != nil || user.Value.Active {
		t.Errorf("the user is active: %t, %v", user.Value.Active, err)
	}
}

func TestOneRebuildAtATimeAndDropStopsIt(t *testing.T) {
	b, _ := running(t, t.TempDir(), settings{})
	populate(t, b, 20)
	reached, goOn := make(chan struct{}, 1), make(chan struct{}) // the first signal may come before anybody listens
	b.describe.of = func(ctx context.Context, view *memview.View, entity memview.Entity) (queries.Document, error) {
		select {
		case reached <- struct{}{}:
		default:
		}
		select {
		case <-goOn:
		case <-ctx.Done():
			return queries.Document{}, ctx.Err()
		}
		return standardDocument.of(ctx, view, entity)
	}
	if err := b.rebuilder.Rebuild(t.Context(), everything); err != nil {
		t.Fatal(err)
	}
	<-reached
	wantStates(t, b, "rows 1 answering, rows 2 building, search 1 answering, search 2 building")
	if err := b.rebuilder.Rebuild(t.Context(), everything); !errors.Is(err, httpapi.ErrRebuilding) {
		t.Errorf("another rebuild: %v", err)
	}
	if err := b.rebuilder.Back(t.Context()); !errors.Is(err, httpapi.ErrRebuilding) {
		t.Errorf("back meanwhile: %v", err)
	}
	if err := b.rebuilder.Drop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r := ended(t, b); r.State != httpapi.Failed || r.Reason != "stopped" {
		t.Errorf("%+v", r)
	}
	wantStates(t, b, "rows 1 answering, search 1 answering")
	close(goOn)
	wantDone(t, rebuilt(t, b, everything))
}

func TestWhatIsNotThereIsNotRebuilt(t *testing.T) {
	b, _ := running(t, t.TempDir(), settings{noSearch: true})
	created(t, b, "somebody")
	if err := b.rebuilder.Rebuild(t.Context(), httpapi.RebuildOrder{Views: []string{httpapi.SearchView}}); !errors.Is(err, httpapi.ErrNoSuchView) {
		t.Errorf("an index where search is off: %v", err)
	}
	wantDone(t, rebuilt(t, b, httpapi.RebuildOrder{Views: []string{httpapi.ClosureView}}))
	wantStates(t, b, "rows 1 answering")
	wantDone(t, rebuilt(t, b, httpapi.RebuildOrder{Views: []string{httpapi.RowsView}}))
	wantStates(t, b, "rows 2 answering, rows 1 kept")
}

// noDrift audits, which must find nothing.
func noDrift(t *testing.T, e engine) {
	t.Helper()
	if err := drift(t, e); err != nil {
		t.Error(err)
	}
}

// drift tells what an audit finds.
func drift(t *testing.T, e engine) error {
	t.Helper()
	var found []audit.Finding
	report, err := e.verify(t.Context(), audit.Options{Found: func(f audit.Finding) { found = append(found, f) }})
	if err != nil || report.Documents == 0 || len(found) > 0 {
		return fmt.Errorf("%d documents were compared, found: %+v, %v", report.Documents, found, err)
	}
	return nil
}
