package audit

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/queries"
)

// Store is a store that numbers its transactions.
type Store interface {
	eventstream.Store
	eventstream.Log
}

// Subject is what is audited.
type Subject struct {
	Store Store
	// Secret is the store's key for the names of claims.
	Secret domain.ClaimSecret
	// View is compared with the streams, row by row. Nil leaves this out.
	View queries.View
	// Applied tells how far into the log each index has got, by the index's name.
	Applied map[string]func() uint64
}

// Options say who is told what. The zero value tells nobody.
type Options struct {
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
		edges: map[edgeKey]edge{}, claims: map[claimKey]claim{}, nesting: newGraph(),
	}
	a.report.End = subject.Store.End()
	err := a.run(ctx)
	a.report.Streams, a.report.Users, a.report.Groups = len(a.tips), len(a.users), len(a.groups)
	a.report.Memberships, a.report.Claims, a.report.Keys = len(a.edges), len(a.claims), len(a.keys)
	a.report.Drift = a.reporter.count
	return a.report, err
}

// audit is one run: what was learned of each stream, without what it says.
type audit struct {
	subject  Subject
	options  Options
	reporter reporter
	report   Report

	tips    map[streamKey]tip
	users   map[uuid.UUID]entity
	groups  map[uuid.UUID]entity
	keys    map[uuid.UUID]*domain.APIKey
	edges   map[edgeKey]edge
	claims  map[claimKey]claim
	nesting *graph
	// shown is what the requests of the transaction under way show.
	shown []showing
	// userShards and groupShards are what the store stream says; 0 before it does.
	userShards, groupShards int
}

func (a *audit) run(ctx context.Context) error {
	for _, part := range []struct {
		name string
		do   func(context.Context) error
	}{
		{"compare positions", a.comparePositions},
		{"read the log", a.readLog},
		{"fold changed entities", a.foldChanged},
		{"compare claims", a.compareClaims},
		{"compare nesting", a.compareNesting},
		{"compare rows", a.compareRows},
		{"compare lists", a.compareLists},
	} {
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
			a.reporter.add(Finding{Log: at, What: fmt.Sprintf("%s has applied only up to here, of %d", name, a.report.End)})
		}
	}
	return nil
}

// awaitPosition gives the index's position once it is where the audit began, or
// has not moved for a second.
func (a *audit) awaitPosition(ctx context.Context, applied func() uint64) (uint64, error) {
	const looks, pause = 100, 10 * time.Millisecond
	at := applied()
	for look := 0; at < a.report.End && look < looks; look++ {
		select {
		case <-ctx.Done():
			return at, ctx.Err()
		case <-time.After(pause):
		}
		if now := applied(); now > at {
			at, look = now, 0
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

func (a *audit) progress(stage string, done, total uint64) {
	if a.options.Progress != nil {
		a.options.Progress(stage, done, total)
	}
}
