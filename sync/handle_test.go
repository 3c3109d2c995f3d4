package querysync_test

import (
	"context"
	"errors"
	"iter"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed5b6a70b4/identity/eventstream"
	querysync "github.com/seed5b6a70b4/identity/sync"
	"github.com/seed5b6a70b4/identity/sync/feedtest"
)

// tardy is a store that shows one stream's commits only after some reads of it.
type tardy struct {
	*directory
	stream eventstream.StreamID
	hidden int
}

func (s *tardy) Read(ctx context.Context, stream eventstream.StreamID, after eventstream.Seq) iter.Seq2[eventstream.Commit, error] {
	if stream == s.stream && s.hidden > 0 {
		s.hidden--
		return func(func(eventstream.Commit, error) bool) {}
	}
	return s.directory.Read(ctx, stream, after)
}

// announcedModel is a view without positions of the log.
type announcedModel struct{ feedtest.AnnouncedView }

func announcing(t *testing.T, store eventstream.Store, options querysync.Options) (*querysync.Synchroniser, announcedModel) {
	t.Helper()
	view := announcedModel{&feedtest.AnnouncedModel{}}
	return announcingFor(t, store, view, options), view
}

func announcingFor(t *testing.T, store eventstream.Store, view querysync.View, options querysync.Options) *querysync.Synchroniser {
	t.Helper()
	streams := eventstream.New(store, nil)
	options.Changes = querysync.NewChanges(streams, 2)
	s, err := querysync.New(streams, []querysync.View{view}, &options)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// What a commit names is there, though it may show a little later: nothing is
// passed over for that, and no reader is told that it does not exist.
func TestItemsOfATransactionMayShowOneByOne(t *testing.T) {
	for _, test := range []struct {
		what string
		do   func(s *querysync.Synchroniser, view querysync.View) error
	}{
		{"handled", func(s *querysync.Synchroniser, _ querysync.View) error {
			err := s.Handle(t.Context(), []eventstream.Position{{Stream: users, Seq: 1}})
			for tries := 0; err != nil && tries < 3; tries++ { // as a feed does
				isErr(t, "handle", err, eventstream.ErrUnavailable)
				err = s.Handle(t.Context(), []eventstream.Position{{Stream: users, Seq: 1}})
			}
			return err
		}},
		{"forced", func(s *querysync.Synchroniser, view querysync.View) error {
			return s.Ensure(t.Context(), view, users, 1)
		}},
	} {
		t.Run(test.what, func(t *testing.T) {
			store := &tardy{newDirectory(t), ada, 12}
			store.write(ada, users)
			s, view := announcing(t, store, querysync.Options{})
			isErr(t, test.what, test.do(s, view), nil)
			row(t, view, ada, 1)
		})
	}
}

// What is many is announced in parts: who is cut off, or is slow, has announced what
// came first, and whoever follows need not wait for the last of it.
func TestManyAreAnnouncedInParts(t *testing.T) {
	d := newDirectory(t)
	positions := make([]eventstream.Position, 200)
	for i := range positions {
		positions[i] = eventstream.Position{Stream: eventstream.UserStream(uuid.UUID{7, byte(i)}), Seq: 1}
		d.write(positions[i].Stream)
	}
	store := &unreadable{d, positions[len(positions)-1].Stream}
	s, view := announcing(t, store, querysync.Options{})
	isErr(t, "handle", s.Handle(t.Context(), positions), errBroken)
	_, announced, _, err := view.Standing(t.Context(), positions[0].Stream)
	if err != nil || announced != 1 {
		t.Errorf("the first is announced up to %d: %v", announced, err)
	}
}

// unreadable is a store of which one stream cannot be read.
type unreadable struct {
	*directory
	stream eventstream.StreamID
}

func (s *unreadable) Read(ctx context.Context, stream eventstream.StreamID, after eventstream.Seq) iter.Seq2[eventstream.Commit, error] {
	if stream != s.stream {
		return s.directory.Read(ctx, stream, after)
	}
	return func(yield func(eventstream.Commit, error) bool) { yield(eventstream.Commit{}, errBroken) }
}

// A position that the store does not have keeps nobody waiting for long.
func TestPhantomsArePassedOver(t *testing.T) {
	d, registry := newDirectory(t), prometheus.NewRegistry()
	d.write(ada)
	s, view := announcing(t, d, querysync.Options{Metrics: registry})
	isErr(t, "handle", s.Handle(t.Context(), []eventstream.Position{{Stream: bob, Seq: 1}, {Stream: ada, Seq: 7}}), nil)
	row(t, view, ada, 1)
	wantValues(t, registry, map[string]float64{"view_unknown_positions_total{model}": 2})
}

// ending is a store whose reads end with the cause of their context's end.
type ending struct {
	*directory
	end context.CancelCauseFunc
}

func (s *ending) Read(ctx context.Context, stream eventstream.StreamID, after eventstream.Seq) iter.Seq2[eventstream.Commit, error] {
	if s.end == nil {
		return s.directory.Read(ctx, stream, after)
	}
	s.end(errors.New("told to stop"))
	return func(yield func(eventstream.Commit, error) bool) { yield(eventstream.Commit{}, context.Cause(ctx)) }
}

// Whoever is cut off has learnt nothing of what is stored: nothing is parked.
func TestNothingIsParkedAtTheEnd(t *testing.T) {
	store := &ending{directory: newDirectory(t)}
	store.write(ada)
	s, view := announcing(t, store, querysync.Options{})
	for what, do := range map[string]func(context.Context) error{
		"handle": func(ctx context.Context) error {
			return s.Handle(ctx, []eventstream.Position{{Stream: ada, Seq: 1}})
		},
		"ensure": func(ctx context.Context) error { return s.Ensure(ctx, view, ada, 1) },
	} {
		var ctx context.Context
		ctx, store.end = context.WithCancelCause(t.Context())
		isErr(t, what, do(ctx), context.Canceled)
		if parked := s.Parked(); len(parked) != 0 {
			t.Errorf("%s parked %v", what, parked)
		}
	}
	store.end = nil
	isErr(t, "later", s.Handle(t.Context(), []eventstream.Position{{Stream: ada, Seq: 1}}), nil)
	row(t, view, ada, 1)
}

// shelf is a querysync.ParkedStore in memory.
type shelf struct {
	mu      sync.Mutex
	records map[string]map[eventstream.StreamID][]byte
	failing bool
}

func (s *shelf) Load(_ context.Context, view string) (map[eventstream.StreamID][]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.records[view]), nil
}

func (s *shelf) Put(_ context.Context, view string, stream eventstream.StreamID, record []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failing {
		return errBroken
	}
	if s.records == nil {
		s.records = map[string]map[eventstream.StreamID][]byte{}
	}
	if s.records[view] == nil {
		s.records[view] = map[eventstream.StreamID][]byte{}
	}
	s.records[view][stream] = record
	return nil
}

func (s *shelf) Delete(_ context.Context, view string, stream eventstream.StreamID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.records[view], stream)
	return nil
}

// What one process parks, another hears of; it is on record before the feed moves
// on, and whoever can apply it again takes it off for all.
func TestParkedStreamsAreShared(t *testing.T) {
	d, kept := newDirectory(t), &shelf{failing: true}
	d.write(ada, users)
	model, known := &feedtest.AnnouncedModel{}, false
	model.Fail = func(commits []eventstream.Commit) error {
		if commits[0].Stream == ada && !known {
			return errNotKnown
		}
		return nil
	}
	view := announcedModel{model}
	one, other := announcingFor(t, d, view, querysync.Options{Parked: kept}), announcingFor(t, d, view, querysync.Options{Parked: kept})
	positions := []eventstream.Position{{Stream: ada, Seq: 1}, {Stream: users, Seq: 1}}
	isErr(t, "parked, but not on record", one.Handle(t.Context(), positions), errBroken)
	kept.failing = false
	isErr(t, "parked on record", one.Handle(t.Context(), positions), nil)
	if len(kept.records["model"]) != 1 {
		t.Errorf("on record: %v", kept.records)
	}
	isErr(t, "another's reader", other.Ensure(t.Context(), view, users, 1), querysync.ErrParked)
	since := time.Now().Add(-time.Hour)
	isErr(t, "another sweeps", other.Sweep(t.Context(), since), nil)
	if parked := other.Parked(); len(parked) != 1 || parked[0].Stream != ada || parked[0].Attempts < 2 {
		t.Errorf("parked: %v", parked)
	}
	listening := announcingFor(t, d, view, querysync.Options{Parked: kept})
	isErr(t, "one who only listens", listening.HearParked(t.Context()), nil)
	if parked := listening.Parked(); len(parked) != 1 || parked[0].Stream != ada {
		t.Errorf("heard of as parked: %v", parked)
	}
	known = true
	isErr(t, "another sweeps again", other.Sweep(t.Context(), time.Now().Add(time.Hour)), nil)
	if _, announced, _, err := view.Standing(t.Context(), ada); err != nil || announced != 1 || len(kept.records["model"]) != 0 || len(other.Parked()) != 0 {
		t.Errorf("announced %d, %v, on record %v", announced, err, kept.records)
	}
	isErr(t, "the first sweeps", one.Sweep(t.Context(), since), nil)
	waiter, err := one.Waiter(view)
	isErr(t, "its waiter", errors.Join(err, waiter.Complete()), nil)
	if parked := one.Parked(); len(parked) != 0 {
		t.Errorf("still parked: %v", parked)
	}
	isErr(t, "its reader", one.Ensure(t.Context(), view, users, 1), nil)
}

// mute is a store that takes no notices for a while.
type mute struct {
	*directory
	silent bool
}

func (s *mute) Append(ctx context.Context, tx eventstream.Transaction) ([]eventstream.Commit, error) {
	if s.silent && tx.Entries[0].Stream.Kind() == eventstream.ChangesKind {
		return nil, errBroken
	}
	return s.directory.Append(ctx, tx)
}

// What was parked long ago is announced once it can be applied, whoever does that,
// and whatever comes between.
func TestWhatWasParkedIsAnnounced(t *testing.T) {
	long := time.Now().Add(time.Hour) // a sweep since then comes by nothing
	for name, apply := range map[string]func(t *testing.T, d *mute, fresh func() *querysync.Synchroniser, view querysync.View){
		"the change feed was away": func(t *testing.T, d *mute, fresh func() *querysync.Synchroniser, _ querysync.View) {
			d.silent = true
			isErr(t, "sweep", fresh().Sweep(t.Context(), long), errBroken)
			d.silent = false
		},
		"somebody's reader applied it": func(t *testing.T, _ *mute, fresh func() *querysync.Synchroniser, view querysync.View) {
			knows := fresh()
			isErr(t, "ensure", knows.Ensure(t.Context(), view, ada, 1), nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			d, kept := &mute{directory: newDirectory(t)}, &shelf{}
			d.write(ada, users)
			model, known := &feedtest.AnnouncedModel{}, false
			model.Fail = func([]eventstream.Commit) error {
				if !known {
					return errNotKnown
				}
				return nil
			}
			view := announcedModel{model}
			fresh := func() *querysync.Synchroniser {
				return announcingFor(t, d, view, querysync.Options{Parked: kept})
			}
			first := fresh()
			isErr(t, "handle", first.Handle(t.Context(), []eventstream.Position{{Stream: ada, Seq: 1}}), nil)
			known = true
			apply(t, d, fresh, view)
			if parked := first.Parked(); name != "the change feed was away" && len(parked) != 0 {
				t.Errorf("parked: %v", parked)
			}
			for _, s := range []*querysync.Synchroniser{first, fresh()} {
				isErr(t, "sweep", s.Sweep(t.Context(), long), nil)
			}
			if _, announced, _, err := view.Standing(t.Context(), ada); err != nil || announced != 1 {
				t.Errorf("announced up to %d, %v", announced, err)
			}
			if len(kept.records["model"]) != 0 || len(first.Parked()) != 0 {
				t.Errorf("still on record: %v", kept.records)
			}
		})
	}
}

// torn is a store one of whose commits cannot be read.
type torn struct {
	*directory
	at eventstream.Position
}

func (s *torn) Read(ctx context.Context, stream eventstream.StreamID, after eventstream.Seq) iter.Seq2[eventstream.Commit, error] {
	return func(yield func(eventstream.Commit, error) bool) {
		for commit, err := range s.directory.Read(ctx, stream, after) {
			if commit.Position() == s.at {
				commit, err = eventstream.Commit{}, eventstream.ErrCorrupt
			}
			if !yield(commit, err) || err != nil {
				return
			}
		}
	}
}

// A users/{n} that cannot be read keeps nobody's row back, and whoever forces it is
// told.
func TestAShardThatCannotBeReadIsParked(t *testing.T) {
	d, kept := &torn{newDirectory(t), eventstream.Position{Stream: users, Seq: 2}}, &shelf{}
	d.write(ada, users)
	d.write(bob, users)
	s, view := announcing(t, d, querysync.Options{Parked: kept})
	for range 2 {
		isErr(t, "handle", s.Handle(t.Context(), []eventstream.Position{{Stream: users, Seq: 2}, {Stream: bob, Seq: 1}}), nil)
	}
	row(t, view, ada, 1)
	row(t, view, bob, 1)
	if parked := s.Parked(); len(parked) != 1 || parked[0].Stream != users || parked[0].Seq != 2 || parked[0].Attempts != 1 {
		t.Errorf("parked: %v", parked)
	}
	isErr(t, "what can be read", s.Ensure(t.Context(), view, users, 1), nil)
	isErr(t, "what cannot", s.Ensure(t.Context(), view, users, 2), querysync.ErrParked)
	isErr(t, "sweep", s.Sweep(t.Context(), time.Now().Add(-time.Hour)), nil)
	d.at = eventstream.Position{}
	isErr(t, "sweep", s.Sweep(t.Context(), time.Now().Add(time.Hour)), nil)
	isErr(t, "what can be read again", s.Ensure(t.Context(), view, users, 2), nil)
	if mark, err := view.Mark(t.Context(), users); mark != 2 || err != nil || len(s.Parked()) != 0 {
		t.Errorf("the mark is %d, %v, parked is %v", mark, err, s.Parked())
	}
}

// What another process could not index holds up whoever forces all there is.
func TestWhatOthersParkedInTheIndexIsKnown(t *testing.T) {
	d, kept := newDirectory(t), &shelf{}
	d.write(ada, users)
	model, refusing := &feedtest.AnnouncedModel{}, true
	view := announcedModel{model}
	var indexers []*querysync.Indexer
	var first *querysync.Synchroniser
	for range 2 {
		streams := eventstream.New(d, nil)
		changes := querysync.NewChanges(streams, 2)
		s, err := querysync.New(streams, []querysync.View{view}, &querysync.Options{Parked: kept, Changes: changes})
		if err != nil {
			t.Fatal(err)
		}
		x, err := querysync.NewIndexer(s, view, &querysync.IndexerOptions{
			Name: "index", Touches: view.Touches, Parked: kept, Reached: changes.Heads,
			Push: func(context.Context, []eventstream.StreamID) (map[eventstream.StreamID]error, error) {
				if refusing {
					return map[eventstream.StreamID]error{ada: errors.New("no")}, nil
				}
				return nil, nil
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		if indexers = append(indexers, x); first == nil {
			first = s
		}
	}
	isErr(t, "the view", first.Handle(t.Context(), []eventstream.Position{{Stream: ada, Seq: 1}, {Stream: users, Seq: 1}}), nil)
	isErr(t, "the index", indexers[0].Handle(t.Context(), []eventstream.Position{{Stream: ada, Seq: 1}}), nil)
	isErr(t, "another's reader", indexers[1].Ensure(t.Context(), users, 1), querysync.ErrParked)
	refusing = false
	isErr(t, "another's reader later", indexers[1].Ensure(t.Context(), users, 1), nil)
}

// A commit behind the one that parked its stream may be the first that a users/{n}
// names: who forces that is told, in every process.
func TestWhatIsNamedBehindAParkedCommit(t *testing.T) {
	d, kept := newDirectory(t), &shelf{}
	d.write(ada, users)
	d.writeUnknown(ada)
	model := &feedtest.AnnouncedModel{}
	model.Fail = func(commits []eventstream.Commit) error {
		if commits[len(commits)-1].Seq >= 2 {
			return errNotKnown
		}
		return nil
	}
	view := announcedModel{model}
	one, other := announcingFor(t, d, view, querysync.Options{Parked: kept}), announcingFor(t, d, view, querysync.Options{Parked: kept})
	isErr(t, "parked", one.Handle(t.Context(), []eventstream.Position{{Stream: users, Seq: 1}, {Stream: ada, Seq: 2}}), nil)
	d.write(ada, users)
	isErr(t, "named", one.Handle(t.Context(), []eventstream.Position{{Stream: ada, Seq: 3}, {Stream: users, Seq: 2}}), nil)
	if mark, err := view.Mark(t.Context(), users); mark != 2 || err != nil {
		t.Errorf("the mark is %d, %v", mark, err)
	}
	for _, s := range []*querysync.Synchroniser{one, other} {
		isErr(t, "what was named before", s.Ensure(t.Context(), view, users, 1), nil)
		isErr(t, "what is named behind", s.Ensure(t.Context(), view, users, 2), querysync.ErrParked)
	}
}

// An entity that the index refuses is parked by itself; who forces it is told, and
// a later push takes it off.
func TestIndexersParkWhatIsRefused(t *testing.T) {
	d, kept := newDirectory(t), &shelf{}
	d.write(ada, users)
	d.write(bob, users)
	s, view := announcing(t, d, querysync.Options{Parked: kept})
	refusing, away := true, error(nil)
	x, err := querysync.NewIndexer(s, view, &querysync.IndexerOptions{
		Name: "index", Touches: view.Touches, Parked: kept,
		Push: func(_ context.Context, entities []eventstream.StreamID) (map[eventstream.StreamID]error, error) {
			refused := map[eventstream.StreamID]error{}
			for _, entity := range entities {
				if entity == ada && refusing {
					refused[entity] = errors.New("no")
				}
			}
			return refused, away
		},
		Reached: func(context.Context) (eventstream.Token, error) { return nil, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	isErr(t, "handle", x.Handle(t.Context(), []eventstream.Position{{Stream: ada, Seq: 1}, {Stream: bob, Seq: 1}}), nil)
	isErr(t, "who forces it", x.Ensure(t.Context(), ada, 1), querysync.ErrParked)
	isErr(t, "who forces another", x.Ensure(t.Context(), bob, 1), nil)
	isErr(t, "who forces all", x.Ensure(t.Context(), users, 2), querysync.ErrParked)
	if parked := s.Parked(); len(parked) != 1 || parked[0].View != "index" || parked[0].Stream != ada {
		t.Errorf("parked: %v", parked)
	}
	isErr(t, "retry", s.Retry(t.Context(), "index", ada), querysync.ErrParked)
	isErr(t, "retry what is not parked", s.Retry(t.Context(), "index", bob), nil)
	isErr(t, "retry in what is not there", s.Retry(t.Context(), "no index", ada), querysync.ErrNotFollowed)
	refusing, away = false, errBroken
	isErr(t, "sweep while the index is away", s.Sweep(t.Context(), time.Now().Add(time.Hour)), nil)
	away = nil
	isErr(t, "sweep", s.Sweep(t.Context(), time.Now().Add(time.Hour)), nil)
	isErr(t, "who forces it again", x.Ensure(t.Context(), ada, 1), nil)
	isErr(t, "who forces all again", x.Ensure(t.Context(), users, 2), nil)
	if len(kept.records["index"]) != 0 {
		t.Errorf("on record: %v", kept.records)
	}
}
