package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"

	"github.com/seed5b6a70b4/identity/commands"
	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/logstore"
	"github.com/seed5b6a70b4/identity/sync/replica"
)

// replicateCommand follows another service.
type replicateCommand struct {
	serveCommand `embed:""`
	From         string `required:"" env:"IDENTITY_FROM" placeholder:"URL" help:"The service to follow. Its admin key, or a key with scope admin, has to be in IDENTITY_FROM_KEY, and its claim secret in IDENTITY_CLAIM_KEY until the copy has it."`
}

// fromVar brings the key that the followed service is shown.
const fromVar = "IDENTITY_FROM_KEY"

// Run follows until a signal, or until it has taken over; then it serves until a
// signal.
func (r *replicateCommand) Run(c *console) error {
	if err := r.check(); err != nil {
		return err
	}
	key := os.Getenv(fromVar)
	if key == "" {
		return misused("%s: the admin key of the followed service is needed", fromVar)
	}
	to, err := dialWith(announcement{URL: r.From}, key)
	if err != nil {
		return misused("--from, IDENTITY_FROM: not a URL of http or https")
	}
	to.unknown = fmt.Sprintf("the key sent is that of %s: set it to an admin key of the followed service", fromVar)
	err = r.follow(c, to)
	return errors.Join(err, to.close())
}

func (r *replicateCommand) follow(c *console, to *client) error {
	following, err := r.service(c)
	if err != nil {
		return err
	}
	if err := r.prepare(c, to, following.log); err != nil {
		return errors.Join(err, following.tracing.close(), following.lines.Flush())
	}
	ctx, promoted := context.WithCancel(c.ctx)
	defer promoted()
	following.replication = &replication{source: replicaSource{to}, from: to.url, log: following.log, promoted: promoted}
	err = following.run(ctx)
	outcome := following.replication.outcome()
	if err != nil || c.ctx.Err() != nil || outcome == nil {
		return err
	}
	r.Listen = following.address // also where port 0 has picked one
	taken, err := r.service(c)
	if err != nil {
		return err
	}
	taken.promotion = outcome
	taken.log.Info("taken over", "epoch", outcome.Epoch, "dropped", len(outcome.Dropped))
	return taken.run(c.ctx)
}

// prepare sees to it that the store begins as the followed one does, and can be
// opened as a copy of it.
func (r *replicateCommand) prepare(c *console, to *client, log *slog.Logger) error {
	if r.Store == dynamoStore {
		return r.prepareCloud(c, to, log)
	}
	return r.prepareHere(c.ctx, to, log)
}

func (r *replicateCommand) prepareHere(ctx context.Context, to *client, log *slog.Logger) (err error) {
	data, err := openDataDirectory(r.Data)
	if err != nil {
		return err
	}
	target, err := openImportHere(data)
	if errors.Is(err, logstore.ErrLocked) {
		return fmt.Errorf("%w: another process has %s, and a replica needs a data directory of its own", logstore.ErrLocked, r.Data)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, target.close()) }()
	if err := data.finished(); err != nil { // it may have been begun just before
		return err
	}
	streams := eventstream.New(target.store, nil)
	first, err := beginCopy(ctx, to, streams, replicaRecordFile{target.data}, log)
	if err != nil {
		return err
	}
	if err = target.data.bringFollowedSecret(&first[0]); err != nil {
		return err
	}
	// A backup that follows what it was made of lives the same life.
	if gone := os.Remove(target.data.file(newLifeFile)); gone != nil && !errors.Is(gone, os.ErrNotExist) {
		err = errors.Join(err, gone)
	}
	return err
}

func (r *replicateCommand) prepareCloud(c *console, to *client, log *slog.Logger) (err error) {
	target, err := openImportCloud(c, r.TablePrefix)
	if err != nil {
		return err
	}
	first, err := beginCopy(c.ctx, to, target.streams, target.records(), log)
	if err == nil {
		err = target.checkCopied(c.ctx, first)
	}
	if err := errors.Join(err, target.close()); err != nil {
		return err
	}
	made := &initCommand{dataFlags: r.dataFlags, followFlags: r.followFlags, Shards: 1}
	return made.initCloud(&console{c.ctx, c.err, c.err})
}

// checkCopied makes sure of the secret.
func (t *importCloud) checkCopied(ctx context.Context, first []eventstream.Commit) error {
	secret, err := t.claimSecret(ctx)
	if err != nil {
		return fmt.Errorf("%w: set %s to that of the followed directory", err, claimVar)
	}
	if err := commands.CheckCopied(&first[0], secret); err != nil {
		return fmt.Errorf("%w: set %s to that of the followed directory", err, claimVar)
	}
	return nil
}

// beginCopy brings the beginning of the followed store and the life that it lives, and
// gives the first.
func beginCopy(ctx context.Context, to *client, streams *eventstream.Streams, records replicaRecords, log *slog.Logger) ([]eventstream.Commit, error) {
	record, err := records.load(ctx)
	if err != nil {
		return nil, err
	}
	if record == nil {
		if err := records.begin(ctx, &replicaRecord{Source: to.url}); err != nil {
			return nil, err
		}
	}
	if record == nil || !record.Here {
		if err := followLife(ctx, to, streams, records, log); err != nil {
			if record == nil {
				err = errors.Join(err, forgetUnused(context.WithoutCancel(ctx), records, err))
			}
			return nil, err
		}
	}
	first, err := streams.At(ctx, eventstream.Position{Stream: eventstream.StoreStream, Seq: 1})
	return []eventstream.Commit{first}, err
}

// forgetUnused takes a record back where nothing was brought, or what is there is
// another directory. A copy that was begun stays one: it must not be served as if it
// were whole.
func forgetUnused(ctx context.Context, records replicaRecords, failure error) error {
	record, err := records.load(ctx)
	if err != nil || record == nil {
		return err
	}
	var other *eventstream.ImportError
	if record.Epoch != "" && !errors.As(failure, &other) && !errors.Is(failure, replica.ErrRefused) {
		return nil
	}
	return records.forget(ctx)
}

// followLife follows until the store lives the life that the followed one does, and
// notes that.
func followLife(ctx context.Context, to *client, streams *eventstream.Streams, records replicaRecords, log *slog.Logger) error {
	follower, err := replica.New(replicaSource{to}, streams, &replicaNotes{records, to.url}, log)
	if err != nil {
		return err
	}
	var record *replicaRecord
	err = follower.Begin(ctx, func(ctx context.Context) (bool, error) {
		if record, err = records.load(ctx); err != nil || record == nil || record.Epoch == "" {
			return false, err
		}
		lived, err := lives(ctx, streams)
		switch n := slices.Index(lived, record.Epoch); {
		case err != nil || n < 0:
			return false, err
		case n < len(lived)-1:
			return false, fmt.Errorf("%w: this store has taken over from the one that it followed: serve it", replica.ErrRefused)
		}
		return true, nil
	})
	if err != nil {
		return err
	}
	record.Here = true
	return records.save(ctx, record)
}

// lives are the epochs that a store has lived, the present one last.
func lives(ctx context.Context, streams *eventstream.Streams) (epochs []string, err error) {
	for commit, err := range streams.Read(ctx, eventstream.StoreStream, 0) {
		if err != nil {
			return nil, err
		}
		events, err := domain.DecodeEvents(commit.Data)
		if err != nil {
			return nil, fmt.Errorf("commit %d of stream store: %w", commit.Seq, err)
		}
		for _, event := range events {
			if begun, is := event.(domain.SetEpoch); is {
				epochs = append(epochs, begun.Epoch)
			}
		}
	}
	return epochs, nil
}
