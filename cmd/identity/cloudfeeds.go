package main

import (
	"fmt"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/sync/changefeed"
	"github.com/seed5b6a70b4/identity/sync/dynamolease"
	"github.com/seed5b6a70b4/identity/sync/dynamostreamfeed"
	"github.com/seed5b6a70b4/identity/sync/shardfeed"
)

// The groups of leases: one for each source and what it is read for.
const (
	streamsGroup = "views-dynamodbstreams"
	kinesisGroup = "views-kinesis"
	searchGroup  = "search"
	relayGroup   = "relay"
)

// How often what is read has a look at what is new.
const (
	feedPoll    = 250 * time.Millisecond
	changesPoll = 250 * time.Millisecond
)

// openFeeds makes what keeps the views and the index up to date.
func (c *cloud) openFeeds() error {
	if c.follow.Feed == noFeed {
		return nil
	}
	source, group, err := c.commitsSource()
	if err != nil {
		return err
	}
	commits, err := shardfeed.New(source, dynamolease.New(c.dynamodb, c.names.State, group), c.synchroniser.Handle, c.feedOptions(group, feedPoll))
	if err != nil {
		return err
	}
	c.feeds = append(c.feeds, commits)
	if c.indexer == nil {
		return nil
	}
	changes, err := shardfeed.New(changefeed.New(c.streams, c.changes), dynamolease.New(c.dynamodb, c.names.State, searchGroup),
		c.indexer.Handle, c.feedOptions(searchGroup, changesPoll))
	if err != nil {
		return err
	}
	c.feeds = append(c.feeds, changes)
	return nil
}

func (c *cloud) commitsSource() (source shardfeed.Source, group string, err error) {
	if c.follow.Feed == streamsFeed {
		return dynamostreamfeed.New(dynamodbstreams.NewFromConfig(c.aws), c.dynamodb, c.names.Events), streamsGroup, nil
	}
	return nil, "", fmt.Errorf("--feed %s is not here yet", c.follow.Feed)
}

func (c *cloud) feedOptions(name string, poll time.Duration) *shardfeed.Options {
	options := &shardfeed.Options{
		Name: name, Worker: workerName(), Poll: poll, Expiry: 5 * time.Second, OnLoss: c.synchroniser.Sweep, Logger: c.settings.log,
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
