package audit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/queries"
)

// Subject is what is audited.
type Subject struct {
	// Store is a Scanner, or also an eventstream.Log.
	Store eventstream.Store
	// Secret is the store's key for the names of claims.
	Secret domain.ClaimSecret
	// View is compared with the streams, row by row. Nil leaves this out. One that
	// is also Announcing or Marking is audited as such.
	View queries.View
	// Applied tells how far into the log each index has got, by the index's name.
	Applied map[string]func() uint64
	// Notices reads a commit of changes/{n}: which rows it tells of, each at that
	// number or beyond. Nil leaves this out.
	Notices func(*eventstream.Commit) ([]eventstream.Position, error)
	// Heads are how far the change feed has got, Reached up to where each index that
	// follows it has handled that, by the index's name.
	Heads   func(ctx context.Context) (eventstream.Token, error)
	Reached map[string]func(ctx context.Context) (eventstream.Token, error)
	// Indexes are search indexes that were filled from the view, by name. They are
	// compared with it document by document, if it is Describing, or with what Makes names.
	Indexes map[string]queries.Inventory
	// Makes gives what an index is filled with, by the index's name, if that is not
	// what View describes.
	Makes map[string]Describing
	// Closures are graphs of groups that were folded from nesting, by name.
	Closures map[string]Closure
}

// Options say who is told what. The zero value tells nobody.
type Options struct {
	// Patience is how long what differs may take to come right, as views and indexes
	// may be on their way. If zero it is 10 seconds, and one on a log, where it is
	// for indexes only.
	Patience time.Duration
	// Now is the clock; time.Now if nil.
	Now func() time.Time
	// Found is told of every finding, one at a time.
	Found func(Finding)
	// Progress is told now and then what is being done and how much of it is done.
	Progress func(stage string, done, total uint64)
}

// Run audits the subject. An error means that the audit could not be made to its
// end; what was found is in the report, whose Drift is 0 if all is well.
func Run(ctx context.Context, subject Subject, options Options) (Report, error) {
	a := &audit{
		subject: subject, options: options, reporter: reporter{found: options.Found},
		tips:  map[streamKey]tip{},
		users: map[uuid.UUID]entity{}, groups: map[uuid.UUID]entity{}, keys: map[uuid.UUID]*domain.APIKey{},
		edges: map[edgeKey]edge{}, claims: map[claimKey]claim{}, nesting: newGraph(), notices: newNotices(),
	}
	if a.options.Now == nil {
		a.options.Now = time.Now
	}
	parts := a.scanParts()
	patience := 10 * time.Second
	if a.log, _ = subject.Store.(eventstream.Log); a.log != nil {
		patience = time.Second
		a.report.End = a.log.End()
		parts = a.logParts()
	} else if a.scanner, _ = subject.Store.(Scanner); a.scanner == nil {
		return a.report, errors.New("the store can neither be read as a log nor scanned")
	}
	a.options.Patience = cmp.Or(a.options.Patience, patience)
	err := a.run(ctx, parts)
	a.report.Streams, a.report.Users, a.report.Groups = len(a.tips), len(a.users), len(a.groups)
	a.report.Memberships, a.report.Claims, a.report.Keys = len(a.edges), len(a.claims), len(a.keys)
	a.report.Rows, a.report.Documents, a.report.Edges = int(a.rows.Load()), int(a.documents.Load()), a.edgesCompared
	a.report.Notices, a.report.Drift, a.report.Parts = a.notices.read, a.reporter.count, a.reporter.parts
	return a.report, err
}

// audit is one run: what was learned of each stream, without what it says.
type audit struct {
	subject  Subject
	options  Options
	log      eventstream.Log // nil for a scan
	scanner  Scanner         // nil for a log
	reporter reporter
	report   Report
	rows     atomic.Int64 // that were compared
	// documents and edgesCompared count what was compared, as rows does.
	documents     atomic.Int64
	edgesCompared int
	doubts        doubts
	round         int        // of looking at doubts again; 0 before
	seeing        sync.Mutex // guards the edges while lists are walked over

	tips    map[streamKey]tip
	users   map[uuid.UUID]entity
	groups  map[uuid.UUID]entity
	keys    map[uuid.UUID]*domain.APIKey
	edges   map[edgeKey]edge
	claims  map[claimKey]claim
	nesting *graph
	notices notices
	// nestingAt is the commit that nesting stands at.
	nestingAt eventstream.Seq
	// shown is what the requests of the transaction under way show.
	shown []showing
	// userShards and groupShards are what the store stream says; 0 before it does.
	userShards, groupShards int
}

// part is a part of an audit.
type part struct {
	name string
	do   func(context.Context) error
}

func (a *audit) logParts() []part {
	return []part{
		{"compare positions", a.comparePositions},
		{"read the log", a.readLog},
		{"fold changed entities", a.foldChanged},
		{"compare claims", a.compareClaims},
		{"compare nesting", a.compareNesting},
		{"compare rows", a.compareRows},
		{"compare lists", a.compareLists},
		{"compare closures", a.compareClosures},
		{"compare documents", a.compareDocuments},
		{"look again", a.settleDoubts},
	}
}

func (a *audit) scanParts() []part {
	return []part{
		{"compare positions", a.compareReached},
		{"read all streams", a.readStreams},
		{"fold changed entities", a.foldChanged},
		{"compare claims", a.compareClaims},
		{"compare nesting", a.compareNesting},
		{"compare rows", a.compareRows},
		{"compare what was announced", a.compareAnnounced},
		{"compare marks", a.compareMarks},
		{"compare lists", a.compareLists},
		{"compare closures", a.compareClosures},
		{"compare documents", a.compareDocuments},
		{"look again", a.settleDoubts},
	}
}

func (a *audit) run(ctx context.Context, parts []part) error {
	for _, part := range parts {
		if err := part.do(ctx); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	return nil
}

// comparePositions demands that whatever follows the log gets to where the audit
// began. It comes first: a transaction is in the log before it is handed to any
// view, so the last ones may be on their way.
func (a *audit) comparePositions(ctx context.Context) error {
	for _, name := range slices.Sorted(maps.Keys(a.subject.Applied)) {
		at, err := a.awaitPosition(ctx, a.subject.Applied[name])
		if err != nil {
			return err
		}
		if at < a.report.End {
			a.reporter.add(Finding{Part: Position, Log: at, What: fmt.Sprintf("%s has applied only up to here, of %d", name, a.report.End)})
		}
	}
	return nil
}

// awaitPosition gives the index's position once it is where the audit began, or
// has not moved for as long as Options.Patience.
func (a *audit) awaitPosition(ctx context.Context, applied func() uint64) (uint64, error) {
	at := applied()
	for moved := time.Now(); at < a.report.End && time.Since(moved) < a.options.Patience; {
		if err := wait(ctx, 10*time.Millisecond); err != nil {
			return at, err
		}
		if now := applied(); now > at {
			at, moved = now, time.Now()
		}
	}
	return at, nil
}

// each calls do for every key in turn and tells of the progress.
func each[K comparable, V any](ctx context.Context, a *audit, stage string, of map[K]V, do func(K, V) error) error {
	done, total := uint64(0), uint64(len(of))
	for key, value := range of {
		if done%1024 == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
			a.progress(stage, done, total)
		}
		if err := do(key, value); err != nil {
			return err
		}
		done++
	}
	a.progress(stage, total, total)
	return nil
}

// workers is how many rows are asked for at a time on a scan.
const workers = 16

// atOnce is each with several at a time, where rows are not at hand. All are
// called with ctx itself, which looks that come later need too.
func atOnce[K comparable, V any](ctx context.Context, a *audit, stage string, of map[K]V, do func(context.Context, K, V) error) error {
	if a.log != nil {
		return each(ctx, a, stage, of, func(key K, value V) error { return do(ctx, key, value) })
	}
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(workers)
	err := each(within, a, stage, of, func(key K, value V) error {
		group.Go(func() error { return do(ctx, key, value) })
		return within.Err()
	})
	if failed := group.Wait(); failed != nil {
		return failed
	}
	return err
}

func (a *audit) progress(stage string, done, total uint64) {
	if a.options.Progress != nil {
		a.options.Progress(stage, done, total)
	}
}
