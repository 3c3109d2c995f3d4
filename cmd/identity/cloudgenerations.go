package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/queries"
	"github.com/seed5b6a70b4/identity/queries/dynamoview"
	"github.com/seed5b6a70b4/identity/queries/elasticview"
	querysync "github.com/seed5b6a70b4/identity/sync"
	"github.com/seed5b6a70b4/identity/sync/changefeed"
	"github.com/seed5b6a70b4/identity/sync/dynamolease"
	"github.com/seed5b6a70b4/identity/sync/generations"
	"github.com/seed5b6a70b4/identity/sync/shardfeed"
)

// hearEvery is how often a process asks which generations there are, and
// heardWithin for how long it answers though it could not: whoever lets a
// generation leave waits for longer than that.
const (
	hearEvery   = time.Second
	heardWithin = 6 * time.Second
)

// followed is the generations that this process keeps up to date, as the roll has
// them, and answers from. Its methods may be called concurrently.
type followed struct {
	*cloud
	began time.Time
	// heard is how long after began the roll was last asked for, and answered.
	heard atomic.Int64
	// version is that of the roll that was applied.
	version atomic.Uint64
	// folded is the number of the closure in this process, and refold has a signal when
	// that on the roll may be another.
	folded atomic.Int64
	refold chan struct{}

	mu     sync.Mutex
	roll   *generations.Roll
	rows   map[int]*rowsGeneration
	search map[int]*searchGeneration
	// run starts what keeps an index up to date, once feeds run; nil before.
	run func(func(context.Context) error) (stop func())
}

// rowsGeneration is a table of rows.
type rowsGeneration struct {
	number int
	view   *dynamoview.View
	waiter querysync.Waiter
}

// searchGeneration is an index made of the rows of one generation.
type searchGeneration struct {
	number int
	of     *rowsGeneration
	index  *elasticview.Index
	// documents make what the index is filled with.
	documents *documents
	indexer   *querysync.Indexer
	leases    *dynamolease.Leases
	reached   func(context.Context) (eventstream.Token, error)
	// foreign tells that the index is of other rules: it is left to processes of those.
	foreign error
	feed    *shardfeed.Feed // nil where nothing is followed
	forget  func()
	stop    func()
}

func newFollowed(c *cloud) *followed {
	return &followed{cloud: c, began: time.Now(), rows: map[int]*rowsGeneration{}, search: map[int]*searchGeneration{}, refold: make(chan struct{}, 1)}
}

// numbered is the name of a generation: the first one has none of its own.
func numbered(name string, number int) string {
	if number == 1 {
		return name
	}
	return name + "-" + strconv.Itoa(number)
}

// newRows gives a table of rows, whether it is there or not.
func (f *followed) newRows(number int) *dynamoview.View {
	return dynamoview.New(f.dynamodb, dynamoview.Options{
		Table: numbered(f.names.Views, number), Name: numbered("dynamoview", number), Position: f.changes.Heads,
	})
}

func (f *followed) searchLeases(number int) *dynamolease.Leases {
	return dynamolease.New(f.dynamodb, f.names.State, numbered(searchGroup, number))
}

// confirm makes sure that all generations are followed that were on the roll when
// it was called.
func (f *followed) confirm(ctx context.Context) error {
	asked := time.Since(f.began)
	version, err := f.state.RollVersion(ctx)
	if err != nil {
		return err
	}
	if version != f.version.Load() {
		return f.hear(ctx)
	}
	f.heardAt(asked)
	return nil
}

func (f *followed) heardAt(asked time.Duration) {
	for {
		last := f.heard.Load()
		if last >= int64(asked) || f.heard.CompareAndSwap(last, int64(asked)) {
			return
		}
	}
}

// answerable fails when it is not known any more which generation answers.
func (f *followed) answerable() error {
	if silent := time.Since(f.began) - time.Duration(f.heard.Load()); silent > heardWithin {
		return fmt.Errorf("%w: it is not known which views answer", eventstream.ErrUnavailable)
	}
	return nil
}

// hear reads the roll and follows what is on it.
func (f *followed) hear(ctx context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	asked := time.Since(f.began)
	roll, err := generations.Read(ctx, f.state)
	if err != nil {
		return err
	}
	if f.roll == nil || roll.Version != f.roll.Version {
		if err := f.apply(ctx, roll); err != nil {
			return fmt.Errorf("follow the generations on the roll: %w", err)
		}
	}
	f.heardAt(asked)
	return nil
}

// apply follows what is on a roll, has answer what answers there, and lets go of
// the rest. The caller holds mu.
func (f *followed) apply(ctx context.Context, roll *generations.Roll) error {
	for _, number := range roll.Rows.Followed() {
		if f.rows[number] != nil {
			continue
		}
		g := &rowsGeneration{number: number, view: f.newRows(number)}
		err := f.synchroniser.Follow(g.view)
		if err == nil {
			g.waiter, err = f.synchroniser.Waiter(g.view)
		}
		if err != nil {
			return err
		}
		f.rows[number] = g
	}
	if f.follow.Search == elasticSearch {
		for _, number := range roll.Search.Followed() {
			if err := f.addSearch(ctx, number, f.rows[roll.Search.Of[number]]); err != nil {
				return err
			}
		}
	}
	if err := f.answer(roll); err != nil {
		return err
	}
	if err := f.letGo(ctx, roll); err != nil {
		return err
	}
	f.foldIfDue(roll)
	f.roll = roll
	f.version.Store(roll.Version)
	return nil
}

func (f *followed) addSearch(ctx context.Context, number int, of *rowsGeneration) error {
	if f.search[number] != nil {
		return nil
	}
	if of == nil {
		return fmt.Errorf("%w: search %d is of rows that are not followed", eventstream.ErrCorrupt, number)
	}
	g := &searchGeneration{number: number, of: of, leases: f.searchLeases(number), index: f.index.At(number), forget: func() {}, stop: func() {}}
	g.reached = func(ctx context.Context) (eventstream.Token, error) { return changefeed.Reached(ctx, g.leases) }
	switch err := g.index.Check(ctx); {
	case errors.Is(err, elasticview.ErrOtherRules), errors.Is(err, elasticview.ErrNoIndex):
		g.foreign = err
		f.settings.log.Warn("a search index is not followed", "index", numbered(indexName, number), "error", err)
	case err != nil:
		f.settings.log.Warn("Elasticsearch is away; everything but search is served", "error", err)
	}
	g.documents = &documents{of.view, g.index, f.settings.derive}
	var err error
	g.indexer, err = querysync.NewIndexer(f.synchroniser, of.view, &querysync.IndexerOptions{
		Name: numbered(indexName, number), Push: g.documents.push, Touches: g.documents.touches, Reached: g.reached, Parked: f.state, Logger: f.settings.log,
	})
	if err == nil && f.follow.Feed != noFeed && g.foreign == nil {
		err = f.addFeed(g)
	}
	if err != nil {
		return err
	}
	f.search[number] = g
	return nil
}

// addFeed makes what keeps an index up to date, and starts it if the others run.
func (f *followed) addFeed(g *searchGeneration) error {
	name := numbered(searchGroup, g.number)
	options := f.feedOptions(name, changesPoll)
	var registry *prometheus.Registry
	if f.settings.registry != nil {
		registry = prometheus.NewRegistry()
		options.Metrics = registry
	}
	var err error
	if g.feed, err = shardfeed.New(changefeed.New(f.streams, f.changes), g.leases, g.indexer.Handle, options); err != nil {
		return err
	}
	if registry != nil {
		if err := f.settings.registry.Register(registry); err != nil {
			return err
		}
		g.forget = func() { f.settings.registry.Unregister(registry) }
	}
	if f.run != nil {
		g.stop = f.run(g.feed.Run)
	}
	return nil
}

// answer has the generations answer that do on a roll.
func (f *followed) answer(roll *generations.Roll) error {
	rows := f.rows[roll.Rows.Answers]
	answers := queries.Generation{View: rows.view, Waiter: f.traced(rows.waiter, rows.view.Name())}
	if search := f.search[roll.Search.Answers]; search != nil {
		answers.Search = timely{search.index, search.reached}
		answers.SearchWaiter = f.traced(waiters{search.indexer, rows.waiter}, numbered(indexName, search.number))
	}
	answers = f.shown(answers)
	if f.reader == nil {
		return f.openReader(answers, f.notices)
	}
	return f.reader.Switch(answers)
}

// letGo lets go of what is not on a roll.
func (f *followed) letGo(ctx context.Context, roll *generations.Roll) error {
	for number, g := range f.search {
		if slices.Contains(roll.Search.Followed(), number) {
			continue
		}
		g.stop()
		g.forget()
		if err := g.indexer.Forget(ctx); err != nil {
			return err
		}
		delete(f.search, number)
	}
	for number, g := range f.rows {
		if slices.Contains(roll.Rows.Followed(), number) {
			continue
		}
		if err := f.synchroniser.Unfollow(ctx, g.view); err != nil {
			return err
		}
		delete(f.rows, number)
	}
	return nil
}

// waiters bring a search and the rows that its results are shown by to where a
// reader needs them: they may be of two generations.
type waiters struct {
	search queries.Waiter
	rows   queries.Waiter
}

// Ensure implements queries.Waiter.
func (w waiters) Ensure(ctx context.Context, stream eventstream.StreamID, seq eventstream.Seq) error {
	if err := w.search.Ensure(ctx, stream, seq); err != nil {
		return err
	}
	return w.rows.Ensure(ctx, stream, seq)
}

// Complete implements queries.Waiter.
func (w waiters) Complete() error { return errors.Join(w.search.Complete(), w.rows.Complete()) }

// known is the roll as this process has heard of it. It never changes.
func (f *followed) known() *generations.Roll {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.roll
}

// rowsOf and searchOf give a generation, nil if it is not followed here.
func (f *followed) rowsOf(number int) *rowsGeneration {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.rows[number]
}

func (f *followed) searchOf(number int) *searchGeneration {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.search[number]
}

// current gives what answers now; the search is nil when that is off.
func (f *followed) current() (*rowsGeneration, *searchGeneration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.rows[f.roll.Rows.Answers], f.search[f.roll.Search.Answers]
}

// all gives everything that is followed.
func (f *followed) all() (rows []*rowsGeneration, search []*searchGeneration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, number := range f.roll.Rows.Followed() {
		rows = append(rows, f.rows[number])
	}
	for _, number := range f.roll.Search.Followed() {
		if g := f.search[number]; g != nil {
			search = append(search, g)
		}
	}
	return rows, search
}

// runFeeds keeps the indexes up to date that are followed, and those that will be,
// until ctx ends; begin starts something that ends with ctx, or when it is told to.
func (f *followed) runFeeds(begin func(func(context.Context) error) (stop func())) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.run = begin
	for _, g := range f.search {
		if g.feed != nil {
			g.stop = begin(g.feed.Run)
		}
	}
}

// listen hears of changes of the roll until ctx ends.
func (f *followed) listen(ctx context.Context) error {
	ticker := time.NewTicker(hearEvery)
	defer ticker.Stop()
	for {
		asking, cancel := context.WithTimeout(ctx, heardWithin/2)
		err := f.confirm(asking)
		cancel()
		if err != nil && ctx.Err() == nil {
			f.settings.log.Warn("it is not known which generations there are", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}
