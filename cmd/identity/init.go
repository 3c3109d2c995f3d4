package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream/dynamostore"
	"github.com/seed5b6a70b4/identity/queries/dynamoview"
	"github.com/seed5b6a70b4/identity/queries/elasticview"
	"github.com/seed5b6a70b4/identity/sync/dynamolease"
	"github.com/seed5b6a70b4/identity/sync/dynamostate"
	"github.com/seed5b6a70b4/identity/sync/generations"
	"github.com/seed5b6a70b4/identity/sync/shardfeed"
)

// maxShards is more than a directory can use: each takes some five hundred
// creations a second.
const maxShards = 4096

// initCommand makes what serve needs.
type initCommand struct {
	dataFlags   `embed:""`
	followFlags `embed:""`
	Shards      int    `default:"64" placeholder:"N" help:"With dynamodb: over how many streams the list of all users is spread, and that of all groups, from 1 to 4096; it never changes afterwards. Default 64."`
	Print       bool   `help:"Write a CloudFormation template of tables and stream to the standard output instead of making anything."`
	Restored    bool   `help:"Make a directory of a table of commits that was restored: with new tables of views and state, and another epoch, so that tokens of before are refused."`
	SecretOf    string `placeholder:"TEXT" help:"With --restored: the table prefix of the directory that was copied, whose state keeps the claim secret; not needed where IDENTITY_CLAIM_KEY is set."`
}

// Run makes what is not there yet.
func (i *initCommand) Run(c *console) error {
	if err := i.check(); err != nil {
		return err
	}
	if err := i.fill(i.Store); err != nil {
		return err
	}
	switch {
	case i.Shards < 1 || i.Shards > maxShards:
		return misused("--shards: %d is not from 1 to %d", i.Shards, maxShards)
	case i.Print && i.Store != dynamoStore:
		return misused("--print: there is nothing to make but with --store dynamodb")
	case i.Restored && i.Store != dynamoStore:
		return misused("--restored: a data directory that was copied is served as it is; only --store dynamodb needs a new life")
	case i.SecretOf != "" && !i.Restored:
		return misused("--secret-of: goes with --restored")
	case i.Print:
		return printTemplate(c.out, namesOf(i.TablePrefix), i.Feed == kinesisFeed)
	case i.Store == dynamoStore:
		return i.initCloud(c)
	}
	b, err := openEmbedded(c.ctx, i.Data, settings{noSearch: true})
	if err != nil {
		return err
	}
	_, keyErr := b.adminKey()
	if err := errors.Join(keyErr, b.close()); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.out, "directory %s is there\n", i.Data)
	return err
}

func (i *initCommand) initCloud(c *console) error {
	config, err := awsConfig(c.ctx)
	if err != nil {
		return err
	}
	n := namesOf(i.TablePrefix)
	client := dynamodb.NewFromConfig(config)
	say := func(what, name string, made bool) error {
		state := "was there"
		if made {
			state = "made"
		}
		_, err := fmt.Fprintf(c.out, "%s %s: %s\n", what, name, state)
		return err
	}
	if i.Restored {
		if err := i.restore(c); err != nil {
			return err
		}
	}
	roll := generations.New()
	for _, table := range []func() *dynamodb.CreateTableInput{
		func() *dynamodb.CreateTableInput { return dynamostore.Table(n.Events) },
		func() *dynamodb.CreateTableInput { return dynamolease.Table(n.State) },
		func() *dynamodb.CreateTableInput { return dynamoview.Table(numbered(n.Views, roll.Rows.Answers)) }, // of which the state tells
	} {
		input := table()
		made, err := makeTable(c.ctx, client, input)
		if err := errors.Join(err, sayIf(err == nil, say, "table", *input.TableName, made)); err != nil {
			return err
		}
		if *input.TableName == n.State {
			if roll, err = generations.Read(c.ctx, dynamostate.New(client, n.State)); err != nil {
				return err
			}
		}
	}
	if i.Feed == kinesisFeed {
		made, err := makeStream(c.ctx, kinesis.NewFromConfig(config), n.Stream)
		if err := errors.Join(err, sayIf(err == nil, say, "stream", n.Stream, made)); err != nil {
			return err
		}
	}
	if i.Search == elasticSearch {
		if err := makeIndex(c.ctx, client, n); err != nil {
			return err
		}
		if _, err := fmt.Fprintf(c.out, "index %s: is there\n", n.Index); err != nil {
			return err
		}
	}
	if err := i.beginDirectory(c); err != nil {
		return err
	}
	return fillViews(c.ctx, i.TablePrefix)
}

func sayIf(worked bool, say func(what, name string, made bool) error, what, name string, made bool) error {
	if !worked {
		return nil
	}
	return say(what, name, made)
}

// beginDirectory writes what holds for all of the store, unless it was written.
func (i *initCommand) beginDirectory(c *console) error {
	directory, err := beginDirectory(c.ctx, i.TablePrefix, i.Shards)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(c.out, "directory %s is there, with %d shards\n", directory.Epoch, directory.UserShards); err != nil {
		return err
	}
	return nil
}

// makeTable makes a table unless there is one of that name, and waits until it
// can be used.
func makeTable(ctx context.Context, client *dynamodb.Client, table *dynamodb.CreateTableInput) (made bool, err error) {
	_, err = client.CreateTable(ctx, table)
	var exists *types.ResourceInUseException
	if err != nil && !errors.As(err, &exists) {
		return false, fmt.Errorf("make the table %s: %w", *table.TableName, err)
	}
	waiter := dynamodb.NewTableExistsWaiter(client)
	if waited := waiter.Wait(ctx, &dynamodb.DescribeTableInput{TableName: table.TableName}, makingTime); waited != nil {
		return false, fmt.Errorf("wait for the table %s: %w", *table.TableName, waited)
	}
	return err == nil, nil
}

// makeIndex puts a search index on the roll and makes it, unless it is there. One
// that is made holds nothing, so the change feed is read for it from the beginning,
// however far an index before it had got.
func makeIndex(ctx context.Context, client *dynamodb.Client, n names) error {
	roll, err := generations.Change(ctx, dynamostate.New(client, n.State), (*generations.Roll).Index)
	if errors.Is(err, generations.ErrBusy) {
		return fmt.Errorf("%w: run this again when it has ended", err)
	}
	if err != nil && !errors.Is(err, generations.ErrMoved) { // otherwise there is one
		return err
	}
	number := roll.Search.Answers
	options, err := elasticOptions(n)
	if err != nil {
		return err
	}
	index, err := elasticview.New(options)
	if err != nil {
		return err
	}
	if err := index.At(number).Check(ctx); errors.Is(err, elasticview.ErrNoIndex) {
		if err := forgetLeases(ctx, dynamolease.New(client, n.State, numbered(searchGroup, number))); err != nil {
			return err
		}
	}
	if err := index.Prepare(ctx, number); err != nil {
		return err
	}
	return index.Switch(ctx, index.At(number)) // of one that was there before the roll told of any
}

// forgetLeases removes leases that have a checkpoint. Who holds one notices that it
// is lost, and makes it anew.
func forgetLeases(ctx context.Context, leases shardfeed.Leases) error {
	for {
		all, err := leases.List(ctx)
		all = slices.DeleteFunc(all, func(lease shardfeed.Lease) bool { return lease.Checkpoint == "" })
		if err != nil || len(all) == 0 {
			return err
		}
		for _, lease := range all {
			if err := leases.Delete(ctx, lease); err != nil && !errors.Is(err, shardfeed.ErrLost) { // then it was renewed
				return err
			}
		}
	}
}

// newSecret is a claim secret for a directory that begins.
func newSecret() []byte {
	var secret domain.ClaimSecret
	_, _ = rand.Read(secret[:]) // it never fails
	return secret[:]
}
