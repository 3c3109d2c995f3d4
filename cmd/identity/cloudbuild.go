package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/sync/dynamolease"
	"github.com/seed5b6a70b4/identity/sync/generations"
	"github.com/seed5b6a70b4/identity/sync/shardfeed"
)

// buildGroup is the group of the one lease that says who builds, and takes away
// what is left of generations.
const buildGroup = "build"

// builder does what the roll asks for, while it has the lease.
type builder struct {
	*cloud
	leases  *dynamolease.Leases
	worker  string
	sighted sighting
	// leaves is when a generation was first seen to leave, or to be removed.
	leaves map[leaving]time.Time

	mu    sync.Mutex
	stage stage
}

// sighting is when the lease was first seen as it is.
type sighting struct {
	owner   string
	counter uint64
	at      time.Time
}

func newBuilder(c *cloud) *builder {
	return &builder{
		cloud: c, leases: dynamolease.New(c.dynamodb, c.names.State, buildGroup), worker: workerName(), leaves: map[leaving]time.Time{},
	}
}

// run builds, whenever something is to be built and nobody else does, until ctx
// ends.
func (b *builder) run(ctx context.Context) error {
	ticker := time.NewTicker(hearEvery)
	defer ticker.Stop()
	for {
		if b.due(b.followed.known()) {
			if err := b.own(ctx); err != nil && ctx.Err() == nil {
				b.settings.log.Warn("a build goes on later", "error", err)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// due tells whether there is something to do that this process can.
func (b *builder) due(roll *generations.Roll) bool {
	if b.builds(roll) {
		return true
	}
	rows, search := &roll.Rows, &roll.Search
	leaves := slices.ContainsFunc(rows.Leaving, func(number int) bool { return !roll.Needed(number) })
	return leaves || len(rows.Removed) > 0 || b.index != nil && len(search.Leaving)+len(search.Removed) > 0
}

// builds tells whether there is something to build that this process can.
func (b *builder) builds(roll *generations.Roll) bool {
	return roll.Build != nil && (roll.Build.Views[0] != generations.Search || b.index != nil)
}

// own works while it has the lease, if it gets it.
func (b *builder) own(ctx context.Context) error {
	lease, got, err := b.take(ctx)
	if err != nil || !got {
		return err
	}
	group, within := errgroup.WithContext(ctx)
	within, end := context.WithCancel(within)
	group.Go(func() error { return b.hold(within, &lease) })
	group.Go(func() error {
		defer end()
		return b.work(within)
	})
	err = group.Wait()
	lease.Owner = "" // if it is somebody else's by now, it stays so
	letting, cancel := context.WithTimeout(context.WithoutCancel(ctx), awsCallTime)
	defer cancel()
	b.beginStage("", 0, 0)
	if _, lost := b.leases.Update(letting, shardfeed.Lease{Shard: lease.Shard, Owner: b.worker, Counter: lease.Counter}, lease); lost != nil && !errors.Is(lost, shardfeed.ErrLost) {
		err = errors.Join(err, lost)
	}
	return err
}

// take gets the lease if nobody has it, or shows no sign of life.
func (b *builder) take(ctx context.Context) (lease shardfeed.Lease, got bool, err error) {
	all, err := b.leases.List(ctx)
	if err != nil {
		return lease, false, err
	}
	mine := shardfeed.Lease{Shard: buildGroup, Owner: b.worker, Since: time.Now()}
	switch {
	case len(all) == 0:
		lease, err = b.leases.Create(ctx, mine)
	case all[0].Owner == "" || b.isDead(&all[0]):
		lease, err = b.leases.Update(ctx, all[0], mine)
	default:
		return lease, false, nil
	}
	if errors.Is(err, shardfeed.ErrLost) {
		return lease, false, nil
	}
	return lease, err == nil, err
}

func (b *builder) isDead(lease *shardfeed.Lease) bool {
	if b.sighted.owner != lease.Owner || b.sighted.counter != lease.Counter {
		b.sighted = sighting{lease.Owner, lease.Counter, time.Now()}
	}
	return time.Since(b.sighted.at) >= leaseExpiry
}

// hold renews the lease until ctx ends, and fails when it is lost.
func (b *builder) hold(ctx context.Context, lease *shardfeed.Lease) error {
	ticker := time.NewTicker(leaseExpiry / 5)
	defer ticker.Stop()
	renewed := time.Now()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		next, err := b.leases.Update(ctx, *lease, *lease)
		switch {
		case err == nil:
			*lease, renewed = next, time.Now()
		case errors.Is(err, shardfeed.ErrLost):
			return fmt.Errorf("another process builds: %w", err)
		case time.Since(renewed) > leaseExpiry:
			return err
		}
	}
}

// work does all there is to do.
func (b *builder) work(ctx context.Context) error {
	for {
		if err := b.followed.hear(ctx); err != nil {
			return err
		}
		roll := b.followed.known()
		if !b.due(roll) {
			return nil
		}
		if err := b.clean(ctx, roll); err != nil {
			return err
		}
		if b.builds(roll) {
			if err := b.build(ctx, roll.Build); err != nil {
				return err
			}
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(hearEvery):
		}
	}
}

// build does what comes next of a build. What fails for good ends it.
func (b *builder) build(ctx context.Context, build *generations.Build) error {
	within, end := context.WithCancel(ctx)
	defer end()
	watched, watching := errgroup.WithContext(within)
	watched.Go(func() error { return b.watch(watching, build, end) })
	err := b.step(within, build)
	given := within.Err() != nil && ctx.Err() == nil
	end()
	err = errors.Join(watched.Wait(), err)
	switch {
	case err == nil, given, errors.Is(err, generations.ErrMoved):
		return nil // or somebody has changed the roll: it is read again
	case ctx.Err() != nil || errors.Is(err, eventstream.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, errNotFollowedYet):
		return fmt.Errorf("build %s %d: %w", build.Views[0], build.Number, err)
	}
	return b.fail(ctx, build, err.Error(), nil)
}

func (b *builder) fail(ctx context.Context, build *generations.Build, why string, compared *generations.Comparison) error {
	b.settings.log.Error("a rebuild failed", "view", build.Views[0], "generation", build.Number, "error", why)
	_, err := b.change(ctx, build, func(roll *generations.Roll) error { return roll.Fail(why, compared, time.Now().UTC()) })
	return err
}

// change changes the roll if it still asks for the build.
func (b *builder) change(ctx context.Context, build *generations.Build, change func(*generations.Roll) error) (*generations.Roll, error) {
	return generations.Change(ctx, b.state, func(roll *generations.Roll) error {
		if roll.Build == nil || roll.Build.ID != build.ID || roll.Build.Number != build.Number {
			return generations.ErrMoved
		}
		return change(roll)
	})
}

// step does the phase that a build is in.
func (b *builder) step(ctx context.Context, build *generations.Build) error {
	if build.Views[0] == generations.Closure {
		return b.fold(ctx, build)
	}
	of := struct {
		make    func(context.Context, *generations.Build) error
		fill    func(context.Context, *generations.Build) error
		compare func(context.Context, *generations.Build) (generations.Comparison, error)
	}{b.makeRows, b.fillRows, b.compareRows}
	if build.Views[0] == generations.Search {
		of.make, of.fill, of.compare = b.makeSearch, b.fillSearch, b.compareSearch
	}
	var err error
	switch build.Phase {
	case generations.Making:
		if err = of.make(ctx, build); err == nil {
			_, err = b.change(ctx, build, func(roll *generations.Roll) error { return roll.Made(build.Number) })
		}
	case generations.Filling:
		if err = of.fill(ctx, build); err == nil {
			_, err = b.change(ctx, build, func(roll *generations.Roll) error { return roll.Filled(build.Number) })
		}
	case generations.Comparing:
		err = b.compare(ctx, build, of.compare)
	}
	return err
}

// compare has the generation answer, unless it differs.
func (b *builder) compare(ctx context.Context, build *generations.Build, how func(context.Context, *generations.Build) (generations.Comparison, error)) error {
	compared, err := how(ctx, build)
	if err != nil {
		return err
	}
	compared.View = build.Views[0]
	if compared.Differing > 0 && !build.Force {
		return b.fail(ctx, build, fmt.Sprintf("%d of %d differ", compared.Differing, compared.Compared), &compared)
	}
	roll, err := b.change(ctx, build, func(roll *generations.Roll) error { return roll.Switch(build.Number, compared, time.Now().UTC()) })
	if err != nil {
		return err
	}
	b.settings.log.Info("another generation answers", "view", build.Views[0], "generation", build.Number, "compared", compared.Compared)
	if err := b.state.ForgetProgress(ctx, build.ID); err != nil {
		b.settings.log.Warn("notes of a build are left", "error", err)
	}
	return errors.Join(b.followed.hear(ctx), b.point(ctx, roll))
}

// point lets the alias name the index that answers, for those who look at it from
// elsewhere: this program goes by the roll.
func (c *cloud) point(ctx context.Context, roll *generations.Roll) error {
	if c.index == nil || roll.Search.Answers == 0 {
		return nil
	}
	if err := c.index.Switch(ctx, c.index.At(roll.Search.Answers)); err != nil {
		c.settings.log.Warn("the alias names another index than the one that answers", "error", err)
	}
	return nil
}
