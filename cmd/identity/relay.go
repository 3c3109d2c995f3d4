package main

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/seed5b6a70b4/identity/sync/dynamolease"
	"github.com/seed5b6a70b4/identity/sync/dynamostreamfeed"
	"github.com/seed5b6a70b4/identity/sync/relay"
	"github.com/seed5b6a70b4/identity/sync/shardfeed"
)

// relayCommand tells a Kinesis stream of commits, where DynamoDB's own integration
// does not.
type relayCommand struct {
	dataFlags   `embed:""`
	workerFlags `embed:""`
}

// Run relays until a signal.
func (r *relayCommand) Run(c *console) error {
	if err := errors.Join(r.dataFlags.check(), r.workerFlags.check()); err != nil {
		return err
	}
	if r.Store != dynamoStore {
		return misused("--store, IDENTITY_STORE: there is nothing to relay but with --store dynamodb")
	}
	return r.work(c, func(ctx context.Context, s settings) (worker, error) { return openRelay(ctx, r.TablePrefix, s) })
}

// relaying is a worker.
type relaying struct{ feed *shardfeed.Feed }

func openRelay(ctx context.Context, prefix string, s settings) (*relaying, error) {
	config, err := awsConfig(ctx)
	if err != nil {
		return nil, err
	}
	n, tables, streams := namesOf(prefix), dynamodb.NewFromConfig(config), kinesis.NewFromConfig(config)
	if err := errors.Join(present(ctx, tables, prefix, n.Events, n.State), presentStream(ctx, streams, prefix, n.Stream)); err != nil {
		return nil, err
	}
	to, err := relay.New(streams, n.Stream, n.Events, &relay.Options{Metrics: s.registry})
	if err != nil {
		return nil, err
	}
	source := dynamostreamfeed.New(dynamodbstreams.NewFromConfig(config), tables, n.Events)
	options := &shardfeed.Options{
		Name: relayGroup, Worker: workerName(), Poll: streamsPoll, Expiry: leaseExpiry, OnLoss: lossOfRelay(s.log), Logger: s.log, Metrics: s.registry,
	}
	feed, err := shardfeed.New(source, dynamolease.New(tables, n.State, relayGroup), to.Handle, options)
	return &relaying{feed}, err
}

func (r *relaying) run(ctx context.Context) error { return r.feed.Run(ctx) }

func (r *relaying) close() error { return nil }
