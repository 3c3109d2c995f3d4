package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/seed5b6a70b4/identity/commands"
	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/queries/dynamoview"
	"github.com/seed5b6a70b4/identity/sync/dynamolease"
	"github.com/seed5b6a70b4/identity/sync/dynamostate"
	"github.com/seed5b6a70b4/identity/sync/shardfeed"
)

// restoredGroup is the group of leases that name the life for which the tables
// of views and state were made.
const restoredGroup = "restored"

// restoration begins a new life of a table of commits that was restored under a
// prefix of its own.
type restoration struct {
	*cloud
	prefix string
	// secretOf is the prefix of the directory whose state has the claim secret; empty
	// if the environment brings it.
	secretOf string
}

// restore makes of a restored table of commits a directory that can be served:
// with tables of views and state that are new, another epoch, and views that show
// everything. Cut off, it goes on where it was when it is called again.
func (i *initCommand) restore(c *console) error {
	r := &restoration{cloud: &cloud{core: core{settings: settings{log: slog.New(slog.DiscardHandler)}}, names: namesOf(i.TablePrefix)}, prefix: i.TablePrefix, secretOf: i.SecretOf}
	var err error
	if r.aws, err = awsConfig(c.ctx); err != nil {
		return err
	}
	r.dynamodb = dynamodb.NewFromConfig(r.aws)
	if err := present(c.ctx, r.dynamodb, r.prefix, r.names.Events); err != nil {
		return err
	}
	r.openStore()
	err = r.begin(c.ctx)
	if err == nil {
		if _, err = fmt.Fprintf(c.out, "directory %s begins, with %d shards\n", r.directory.Epoch, r.directory.UserShards); err == nil {
			err = r.fill(c.ctx)
		}
	}
	if err = errors.Join(err, r.close()); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.out, "views of %s are there\n", r.names.Events)
	return err
}

// begin begins the new life, unless it has begun.
func (r *restoration) begin(ctx context.Context) error {
	if _, err := makeTable(ctx, r.dynamodb, dynamolease.Table(r.names.State)); err != nil {
		return err
	}
	secret, err := r.bringSecret(ctx)
	if err != nil {
		return err
	}
	if err := r.openDirectory(ctx, 1); err != nil {
		return err
	}
	lives := dynamolease.New(r.dynamodb, r.names.State, restoredGroup)
	begun, err := lives.List(ctx)
	if err != nil {
		return err
	}
	for _, life := range begun {
		if life.Shard == r.directory.Epoch.String() {
			return nil
		}
	}
	made, err := makeTable(ctx, r.dynamodb, dynamoview.Table(r.names.Views))
	if err != nil {
		return err
	}
	if !made {
		return fmt.Errorf("the table %s was there, and shows another life of the directory: delete it and %s first", r.names.Views, r.names.State)
	}
	if err := r.openStream(ctx); err != nil {
		return err
	}
	if r.directory, err = commands.BeginEpoch(ctx, r.streams, secret); err != nil {
		return err
	}
	_, err = lives.Create(ctx, shardfeed.Lease{Shard: r.directory.Epoch.String(), Since: time.Now()})
	return err
}

// bringSecret gives the claim secret, after it was kept with the new state unless
// the environment brings it.
func (r *restoration) bringSecret(ctx context.Context) (domain.ClaimSecret, error) {
	if os.Getenv(claimVar) == "" && r.secretOf != "" {
		of := &cloud{core: r.core, names: namesOf(r.secretOf), state: dynamostate.New(r.dynamodb, namesOf(r.secretOf).State)}
		secret, err := of.claimSecret(ctx)
		if err != nil {
			return domain.ClaimSecret{}, err
		}
		if _, err := r.state.KeepSecret(ctx, secret[:]); err != nil {
			return domain.ClaimSecret{}, err
		}
	}
	secret, err := r.claimSecret(ctx)
	if errors.Is(err, errNoSecret) {
		return secret, fmt.Errorf("%w, or name the prefix of the directory that was copied with --secret-of", err)
	}
	return secret, err
}

// openStream sees to it that the table tells of its commits: a restored one does
// not.
func (r *restoration) openStream(ctx context.Context) error {
	described, err := r.dynamodb.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &r.names.Events})
	if err != nil {
		return fmt.Errorf("look for the table %s: %w", r.names.Events, err)
	}
	if stream := described.Table.StreamSpecification; stream != nil && aws.ToBool(stream.StreamEnabled) {
		return nil
	}
	_, err = r.dynamodb.UpdateTable(ctx, &dynamodb.UpdateTableInput{
		TableName:           &r.names.Events,
		StreamSpecification: &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: types.StreamViewTypeKeysOnly},
	})
	if err != nil {
		return fmt.Errorf("enable the stream of the table %s: %w", r.names.Events, err)
	}
	waiter := dynamodb.NewTableExistsWaiter(r.dynamodb)
	if err := waiter.Wait(ctx, &dynamodb.DescribeTableInput{TableName: &r.names.Events}, makingTime); err != nil {
		return fmt.Errorf("wait for the table %s: %w", r.names.Events, err)
	}
	return nil
}

// fill makes the views show every stream there is.
func (r *restoration) fill(ctx context.Context) error {
	if err := r.openViews(ctx); err != nil {
		return err
	}
	if err := r.synchroniser.Sweep(ctx, time.Time{}); err != nil {
		return fmt.Errorf("fill the views, which init --restored goes on with: %w", err)
	}
	return nil
}
