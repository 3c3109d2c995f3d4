package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/sync/errgroup"

	"github.com/seed5b6a70b4/identity/commands"
	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/dynamostore"
	"github.com/seed5b6a70b4/identity/queries/elasticview"
	querysync "github.com/seed5b6a70b4/identity/sync"
	"github.com/seed5b6a70b4/identity/sync/changefeed"
	"github.com/seed5b6a70b4/identity/sync/changenotices"
	"github.com/seed5b6a70b4/identity/sync/dynamolease"
	"github.com/seed5b6a70b4/identity/sync/dynamostate"
	"github.com/seed5b6a70b4/identity/sync/shardfeed"
)

// cloud is the engine on DynamoDB, with Elasticsearch where search is wanted. Any
// number of processes may run one over the same tables.
type cloud struct {
	core
	names  names
	follow followFlags

	aws      aws.Config
	dynamodb *dynamodb.Client
	state    *dynamostate.State

	store        *dynamostore.Store
	changes      *querysync.Changes
	notices      *changenotices.Notices
	synchroniser *querysync.Synchroniser
	followed     *followed
	builder      *builder
	feed         *shardfeed.Feed     // of commits
	leases       *dynamolease.Leases // of that feed; both are nil without feeds
	// index leads to all generations of the search index; nil when search is off.
	index *elasticview.Index

	checkpoints checkpoints
}

// keyAge is how long a revoked key may still be taken; five seconds are promised.
const keyAge = 3 * time.Second

// openCloud opens the tables of a prefix, which there must be, and whatever the
// flags say follows them.
func openCloud(ctx context.Context, prefix string, follow followFlags, s settings) (*cloud, error) {
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	c := &cloud{core: core{settings: s, keyAge: keyAge}, names: namesOf(prefix), follow: follow}
	if s.registry != nil {
		c.metrics = newStoreMetrics(s.registry)
	}
	var err error
	if c.aws, err = awsConfig(ctx); err != nil {
		return nil, err
	}
	c.dynamodb = dynamodb.NewFromConfig(c.aws)
	if err := present(ctx, c.dynamodb, prefix, c.names.Events, c.names.State); err != nil {
		return nil, err
	}
	if follow.Feed == kinesisFeed {
		if err := presentStream(ctx, kinesis.NewFromConfig(c.aws), prefix, c.names.Stream); err != nil {
			return nil, err
		}
	}
	if err := c.open(ctx, prefix); err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

func (c *cloud) open(ctx context.Context, prefix string) error {
	c.openStore()
	last, err := c.streams.Last(ctx, eventstream.StoreStream)
	if err != nil {
		return fmt.Errorf("read the stream store: %w", err)
	}
	if last.Seq == 0 {
		return fmt.Errorf("the tables of %s hold no directory yet: make it with `identity init --store dynamodb --table-prefix %s`", prefix, prefix)
	}
	if err := c.openDirectory(ctx, 1); err != nil {
		return err
	}
	if c.follow.Search == elasticSearch {
		if err := c.openIndex(); err != nil {
			return err
		}
	}
	if err := c.openViews(ctx); err != nil {
		return err
	}
	if err := c.checkSearch(ctx, prefix); err != nil {
		return err
	}
	rows, _ := c.followed.current()
	if err := present(ctx, c.dynamodb, prefix, numbered(c.names.Views, rows.number)); err != nil {
		return err
	}
	return c.openFeeds()
}

func (c *cloud) openStore() {
	options := &dynamostore.Options{}
	if c.metrics != nil {
		options.OnRetry = c.metrics.onRetry
	}
	c.store = dynamostore.New(c.dynamodb, c.names.Events, options)
	c.state = dynamostate.New(c.dynamodb, c.names.State)
	c.openStreams(c.store, func(tracer trace.Tracer) eventstream.Store { return &tracedStore{c.store, tracer} })
	c.openClosure()
}

// claimVar may bring the claim secret, so that it is not kept in a table.
const claimVar = "IDENTITY_CLAIM_KEY"

var errNoSecret = errors.New("holds no claim secret")

// openDirectory reads what holds for all of the store, or begins it with so many
// shards.
func (c *cloud) openDirectory(ctx context.Context, shards int) error {
	secret, err := c.claimSecret(ctx)
	if err != nil {
		return err
	}
	if c.directory, err = commands.OpenDirectory(ctx, c.streams, secret, shards); err != nil {
		if errors.Is(err, commands.ErrForeignSecret) {
			return fmt.Errorf("%w: set %s as it was when the directory was made", err, claimVar)
		}
		return err
	}
	if err := c.openFollowing(ctx, c.records()); err != nil {
		return err
	}
	c.openCommands()
	return nil
}

// records implements engine.
func (c *cloud) records() replicaRecords { return replicaRecordItem{c.state} }

func (c *cloud) claimSecret(ctx context.Context) (domain.ClaimSecret, error) {
	if text := os.Getenv(claimVar); text != "" {
		raw, err := hex.DecodeString(text)
		if err != nil || len(raw) != len(domain.ClaimSecret{}) {
			return domain.ClaimSecret{}, misused("%s: not %d hexadecimal digits", claimVar, 2*len(domain.ClaimSecret{}))
		}
		return domain.ClaimSecret(raw), nil
	}
	raw, err := c.state.Secret(ctx)
	if err != nil {
		return domain.ClaimSecret{}, err
	}
	if len(raw) != len(domain.ClaimSecret{}) {
		return domain.ClaimSecret{}, fmt.Errorf("the table %s %w: set %s to the one that the directory was made with", c.names.State, errNoSecret, claimVar)
	}
	return domain.ClaimSecret(raw), nil
}

// openViews follows the generations that are on the roll.
func (c *cloud) openViews(ctx context.Context) error {
	c.changes = querysync.NewChanges(c.streams, 0)
	c.notices = changenotices.New(c.streams, c.changes, changenotices.Options{Poll: changesPoll, Logger: c.settings.log})
	c.events = changefeed.NewTransactions(c.streams, c.changes)
	c.followed, c.builder = newFollowed(c), newBuilder(c)
	options := &querysync.Options{
		Parked: c.state, Changes: c.changes, Confirm: c.followed.confirm, Logger: c.settings.log, Reason: parkReason, SweepEvery: c.settings.sweepEvery,
	}
	if c.settings.registry != nil {
		options.Metrics = c.settings.registry
	}
	var err error
	if c.synchroniser, err = querysync.New(c.streams, nil, options); err != nil {
		return err
	}
	c.parking = parking{c.synchroniser}
	if err := c.adoptIndex(ctx); err != nil {
		return err
	}
	if err := c.followed.hear(ctx); err != nil {
		return err
	}
	if c.settings.registry != nil {
		c.settings.registry.MustRegister(&rebuildCollector{cloudViews{c}.shown})
	}
	return nil
}

const indexName = "elasticview"

func (c *cloud) openIndex() error {
	options, err := elasticOptions(c.names)
	if err != nil {
		return err
	}
	c.index, err = elasticview.New(options)
	return err
}

// checkSearch refuses an index that is not there or cannot be asked, unless it is
// there to be made anew.
func (c *cloud) checkSearch(ctx context.Context, prefix string) error {
	if c.index == nil || c.settings.rebuilding {
		return nil
	}
	err := elasticview.ErrNoIndex
	if _, search := c.followed.current(); search != nil {
		err = search.foreign
	}
	switch {
	case errors.Is(err, elasticview.ErrNoIndex):
		return fmt.Errorf("%w: make it with `identity init --store dynamodb --search elasticsearch --table-prefix %s`", err, prefix)
	case errors.Is(err, elasticview.ErrOtherRules):
		return fmt.Errorf("%w: run `identity rebuild --view search --store dynamodb --search elasticsearch --table-prefix %s`, and then start whatever searches", err, prefix)
	}
	return nil
}

// adminKey implements engine: the environment alone brings one.
func (c *cloud) adminKey() (string, error) {
	if os.Getenv(adminVar) == "" {
		c.settings.log.Warn("no " + adminVar + " is set: only keys that were made before are taken")
	}
	return "", nil
}

// run implements engine.
func (c *cloud) run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return c.notices.Run(ctx) })
	group.Go(func() error { return c.followed.listen(ctx) })
	group.Go(func() error { return c.followed.renewClosure(ctx) })
	if c.feed == nil {
		if c.settings.rebuilding {
			group.Go(func() error { return c.builder.run(ctx) })
		}
		group.Go(func() error { return c.hearParked(ctx) })
		return group.Wait()
	}
	group.Go(func() error { return c.runFeeds(ctx, group) })
	return group.Wait()
}

// runFeeds keeps everything up to date, and builds what is to be built.
func (c *cloud) runFeeds(ctx context.Context, group *errgroup.Group) error {
	if err := c.begin(ctx); err != nil {
		return err
	}
	group.Go(func() error { return c.synchroniser.Run(ctx) })
	group.Go(func() error { return c.feed.Run(ctx) })
	group.Go(func() error { return c.builder.run(ctx) })
	c.followed.runFeeds(func(run func(context.Context) error) (stop func()) {
		ctx, stop := context.WithCancel(ctx)
		group.Go(func() error { return run(ctx) })
		return stop
	})
	return nil
}

// hearParked keeps the lists of what is parked, for a process whose views others
// keep, until ctx ends.
func (c *cloud) hearParked(ctx context.Context) error {
	const every = 30 * time.Second
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		if err := c.synchroniser.HearParked(ctx); err != nil && ctx.Err() == nil {
			c.settings.log.Warn("it is not known what others have parked", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// settle implements engine: other processes may be at it, so nothing is waited for.
func (c *cloud) settle(context.Context) error { return nil }

// announce implements engine: processes are found by other means.
func (c *cloud) announce(string, string) (takeBack func()) { return func() {} }

// snapshot implements engine: nothing is kept here.
func (c *cloud) snapshot() error { return nil }

func (c *cloud) close() error {
	if c.store == nil {
		return nil
	}
	return c.store.Close()
}
