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

func (t *importCloud) importer() eventstream.Importer { return patientImporter{t.streams.Importer()} }

// begin makes sure of the secret. Tables that hold nothing yet will begin a life of
// their own, which is noted before anything is in them.
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
	if t.secret, err = copiedSecret(first, text, ""); err != nil {
		return err
	}
	return t.noteDue(ctx, first[0].Hash)
}

// dueLife is the entry, beside those of lives that have begun, of one that is due: with
// the hash of the commit that the imported directory began with.
const dueLife = "due"

func (t *importCloud) lives() *dynamolease.Leases {
	return dynamolease.New(t.dynamodb, t.names.State, restoredGroup)
}

func (t *importCloud) noteDue(ctx context.Context, of eventstream.Hash) error {
	due := shardfeed.Lease{Shard: dueLife, Checkpoint: hex.EncodeToString(of[:]), Since: time.Now()}
	there, err := t.lives().Create(ctx, due)
	if errors.Is(err, shardfeed.ErrLost) { // of an import that was cut off
		_, err = t.lives().Update(ctx, there, due)
	}
	if err != nil {
		return fmt.Errorf("note that a life is due: %w", err)
	}
	return nil
}

// finish begins a life of its own, if one is due, and makes the views show everything.
func (t *importCloud) finish(ctx context.Context, _ uint64) error {
	if err := t.openDirectory(ctx, 1); err != nil {
		return err
	}
	due, err := t.due(ctx)
	if err != nil {
		return err
	}
	if due != nil {
		if err := t.live(ctx, due); err != nil {
			return err
		}
	}
	return t.fill(ctx)
}

// due gives the entry of a life that is due, nil if none is: the directory was there
// before anything was imported, or a life was begun since.
func (t *importCloud) due(ctx context.Context) (*shardfeed.Lease, error) {
	first, err := t.streams.At(ctx, eventstream.Position{Stream: eventstream.StoreStream, Seq: 1})
	if err != nil {
		return nil, fmt.Errorf("read the stream store: %w", err)
	}
	entries, err := t.lives().List(ctx)
	if err != nil {
		return nil, err
	}
	for i := range entries {
		if entry := &entries[i]; entry.Shard == dueLife && entry.Checkpoint == hex.EncodeToString(first.Hash[:]) {
			return entry, nil
		}
	}
	return nil, nil
}

// live begins the life that is due. Cut off, it is due still, and begun again.
func (t *importCloud) live(ctx context.Context, due *shardfeed.Lease) (err error) {
	if _, err := makeTable(ctx, t.dynamodb, dynamoview.Table(t.names.Views)); err != nil {
		return err
	}
	if t.directory, err = commands.BeginEpoch(ctx, t.streams, t.directory.Secret); err != nil {
		return err
	}
	if _, err := t.lives().Create(ctx, shardfeed.Lease{Shard: t.directory.Epoch.String(), Since: time.Now()}); err != nil {
		return err
	}
	return t.lives().Delete(ctx, *due)
}
