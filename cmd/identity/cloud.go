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
	"github.com/seed5b6a70b4/identity/httpapi"
	"github.com/seed5b6a70b4/identity/queries/dynamoview"
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
	view         *dynamoview.View
	synchroniser *querysync.Synchroniser
	feeds        []*shardfeed.Feed
	leases       *dynamolease.Leases // of the feed of commits; nil without feeds

	// What follows is nil when search is off.
	index   *elasticview.Index
	indexer *querysync.Indexer
	reached func(context.Context) (eventstream.Token, error)
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
	if err := present(ctx, c.dynamodb, prefix, c.names.Events, c.names.Views, c.names.State); err != nil {
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
	if err := c.openViews(); err != nil {
		return err
	}
	if c.follow.Search == elasticSearch {
		if err := c.openSearch(ctx, prefix); err != nil {
			return err
		}
	}
	if err := c.openFeeds(); err != nil {
		return err
	}
	return c.openQueries()
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
	c.openCommands()
	return nil
}

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

func (c *cloud) openViews() error {
	c.changes = querysync.NewChanges(c.streams, 0)
	c.notices = changenotices.New(c.streams, c.changes, changenotices.Options{Poll: changesPoll, Logger: c.settings.log})
	c.view = dynamoview.New(c.dynamodb, dynamoview.Options{Table: c.names.Views, Position: c.changes.Heads})
	options := &querysync.Options{Parked: c.state, Changes: c.changes, Logger: c.settings.log, Reason: parkReason}
	if c.settings.registry != nil {
		options.Metrics = c.settings.registry
	}
	var err error
	c.synchroniser, err = querysync.New(c.streams, []querysync.View{c.view}, options)
	return err
}

const indexName = "elasticview"

func (c *cloud) openSearch(ctx context.Context, prefix string) error {
	options, err := elasticOptions(c.names)
	if err != nil {
		return err
	}
	leases := dynamolease.New(c.dynamodb, c.names.State, searchGroup)
	c.reached = func(ctx context.Context) (eventstream.Token, error) { return changefeed.Reached(ctx, leases) }
	options.Position = c.reached
	if c.index, err = elasticview.New(options); err != nil {
		return err
	}
	switch err := c.index.Check(ctx); {
	case errors.Is(err, elasticview.ErrNoIndex):
		return fmt.Errorf("%w: make it with `identity init --store dynamodb --search elasticsearch --table-prefix %s`", err, prefix)
	case errors.Is(err, elasticview.ErrOtherRules):
		return fmt.Errorf("%w: delete it and its alias, run `identity init --store dynamodb --search elasticsearch --table-prefix %s`, and restart whatever searches", err, prefix)
	case errors.Is(err, eventstream.ErrUnavailable):
		c.settings.log.Warn("Elasticsearch is away; everything but search is served", "error", err)
	case err != nil:
		return err
	}
	d := &documents{c.view, c.index}
	c.indexer, err = querysync.NewIndexer(c.synchroniser, c.view, &querysync.IndexerOptions{
		Name: indexName, Push: d.push, Touches: d.touches, Reached: c.reached, Parked: c.state, Logger: c.settings.log,
	})
	return err
}

func (c *cloud) openQueries() error {
	waiter, err := c.synchroniser.Waiter(c.view)
	if err != nil {
		return err
	}
	if c.indexer == nil {
		return c.openReader(c.view, c.view.Name(), waiter, c.notices, nil, "", nil)
	}
	return c.openReader(c.view, c.view.Name(), waiter, c.notices, timely{c.index}, indexName, c.indexer)
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
	group.Go(func() error { return c.runFeeds(ctx) })
	return group.Wait()
}

// runFeeds keeps the views up to date, or hears of what others do, until ctx ends.
func (c *cloud) runFeeds(ctx context.Context) error {
	if len(c.feeds) == 0 {
		return c.hearParked(ctx)
	}
	if err := c.begin(ctx); err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return c.synchroniser.Run(ctx) })
	for _, feed := range c.feeds {
		group.Go(func() error { return feed.Run(ctx) })
	}
	return group.Wait()
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

// status implements engine.
func (c *cloud) status() ([]httpapi.ViewStatus, *httpapi.StoreStatus) {
	views := []httpapi.ViewStatus{{Name: c.view.Name()}}
	if c.indexer != nil {
		views = append(views, httpapi.ViewStatus{Name: indexName})
	}
	addParked(views, c.synchroniser.Parked())
	return append(views, c.closureStatus()), nil
}

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
