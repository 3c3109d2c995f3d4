package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/seed5b6a70b4/identity/commands"
	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/dynamostore"
	"github.com/seed5b6a70b4/identity/queries/dynamoview"
	"github.com/seed5b6a70b4/identity/sync/dynamolease"
	"github.com/seed5b6a70b4/identity/sync/shardfeed"
)

// importCloud is a set of tables, which are made if they are not there.
type importCloud struct {
	restoration
	secret domain.ClaimSecret
}

func openImportCloud(c *console, prefix string) (*importCloud, error) {
	t := &importCloud{restoration: restoration{
		cloud:  &cloud{core: core{settings: settings{log: slog.New(slog.DiscardHandler)}}, names: namesOf(prefix)},
		prefix: prefix,
	}}
	var err error
	if t.aws, err = awsConfig(c.ctx); err != nil {
		return nil, err
	}
	t.dynamodb = dynamodb.NewFromConfig(t.aws)
	for _, table := range []*dynamodb.CreateTableInput{dynamostore.Table(t.names.Events), dynamolease.Table(t.names.State)} {
		if _, err := makeTable(c.ctx, t.dynamodb, table); err != nil {
			return nil, err
		}
	}
	t.openStore()
	return t, nil
}

func (t *importCloud) importer() eventstream.Importer { return t.streams.Importer() }

// begin makes sure of the secret.
func (t *importCloud) begin(ctx context.Context, first []eventstream.Commit) error {
	last, err := t.streams.Last(ctx, eventstream.StoreStream)
	if err != nil {
		return fmt.Errorf("read the stream store: %w", err)
	}
	t.secret, err = t.claimSecret(ctx)
	if err != nil && !errors.Is(err, errNoSecret) || last.Seq > 0 {
		return err
	}
	text := ""
	if err == nil {
		text = hex.EncodeToString(t.secret[:])
	}
	t.secret, err = copiedSecret(first, text, "")
	return err
}

// finish begins a life of its own, unless it was begun, and makes the views show
// everything.
func (t *importCloud) finish(ctx context.Context) error {
	if err := t.openDirectory(ctx, 1); err != nil {
		return err
	}
	lives := dynamolease.New(t.dynamodb, t.names.State, restoredGroup)
	begun, err := lives.List(ctx)
	if err != nil {
		return err
	}
	for _, life := range begun {
		if life.Shard == t.directory.Epoch.String() {
			return t.fill(ctx)
		}
	}
	if _, err := makeTable(ctx, t.dynamodb, dynamoview.Table(t.names.Views)); err != nil {
		return err
	}
	if t.directory, err = commands.BeginEpoch(ctx, t.streams, t.directory.Secret); err != nil {
		return err
	}
	if _, err = lives.Create(ctx, shardfeed.Lease{Shard: t.directory.Epoch.String(), Since: time.Now()}); err != nil {
		return err
	}
	return t.fill(ctx)
}
