package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/sync/dynamolease"
	"github.com/seed5b6a70b4/identity/sync/dynamostreamfeed"
	"github.com/seed5b6a70b4/identity/sync/kinesisfeed"
	"github.com/seed5b6a70b4/identity/sync/shardfeed"
)

// The groups of leases: one for each source and what it is read for.
const (
	streamsGroup = "views-dynamodbstreams"
	kinesisGroup = "views-kinesis"
	searchGroup  = "search"
	relayGroup   = "relay"
)

// How often what is read has a look at what is new. A shard of Kinesis allows 5
// reads a second, for all who read the stream together.
const (
	streamsPoll = 250 * time.Millisecond
	kinesisPoll = 400 * time.Millisecond
	changesPoll = 250 * time.Millisecond
)

// leaseExpiry is after how long the shards of a process that shows no sign of life
// are taken by others.
const leaseExpiry = 5 * time.Second

// openFeeds makes what keeps the rows up to date.
func (c *cloud) openFeeds() error {
	if c.follow.Feed == noFeed {
		return nil
	}
	var source shardfeed.Source = dynamostreamfeed.New(dynamodbstreams.NewFromConfig(c.aws), c.dynamodb, c.names.Events)
	group, poll := streamsGroup, streamsPoll
	if c.follow.Feed == kinesisFeed {
		source = kinesisfeed.New(kinesis.NewFromConfig(c.aws), c.names.Stream, c.names.Events)
		group, poll = kinesisGroup, kinesisPoll
	}
	c.leases = dynamolease.New(c.dynamodb, c.names.State, group)
	var err error
	c.feed, err = shardfeed.New(source, c.leases, c.synchroniser.Handle, c.feedOptions(group, poll))
	return err
}

// begin goes over all streams before the feed is read for the first time: it keeps
// only what was written lately. It is tried until it works.
func (c *cloud) begin(ctx context.Context) error {
	for attempt := 0; ; attempt++ {
		leases, err := c.leases.List(ctx)
		if err == nil && len(leases) > 0 {
			return nil
		}
		if err == nil {
			c.settings.log.Info("nobody has read the feed yet: going over all streams")
			err = c.synchroniser.Sweep(ctx, time.Time{})
		}
		if err == nil || ctx.Err() != nil {
			return nil
		}
		c.settings.log.Warn("the views cannot be brought up to date yet", "error", err)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(min(time.Second<<min(attempt, 5), 30*time.Second)):
		}
	}
}

func (c *cloud) feedOptions(name string, poll time.Duration) *shardfeed.Options {
	options := &shardfeed.Options{
		Name: name, Worker: workerName(), Poll: poll, Expiry: leaseExpiry, OnLoss: c.synchroniser.Sweep, Logger: c.settings.log,
	}
	if c.settings.registry != nil {
		options.Metrics = c.settings.registry
	}
	return options
}

// workerName names this process among others: the machine, for those who look at
// leases, and something that no other process has.
func workerName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return host + "/" + uuid.NewString()
}

// presentStream makes sure that a Kinesis stream can be used.
func presentStream(ctx context.Context, client *kinesis.Client, prefix, name string) error {
	_, err := client.DescribeStreamSummary(ctx, &kinesis.DescribeStreamSummaryInput{StreamName: &name})
	var none *types.ResourceNotFoundException
	switch {
	case errors.As(err, &none):
		return fmt.Errorf("stream %s %w: make it with `identity init --store dynamodb --feed kinesis --table-prefix %s`", name, errMissing, prefix)
	case err != nil:
		return fmt.Errorf("look for the stream %s: %w", name, err)
	}
	return nil
}

// lossOfRelay says what to do: those who read what is relayed cannot know.
func lossOfRelay(log *slog.Logger) func(context.Context, time.Time) error {
	return func(_ context.Context, since time.Time) error {
		log.Error("commits were not relayed and never will be: run identity verify, which finds what views lack", "since", since)
		return nil
	}
}
