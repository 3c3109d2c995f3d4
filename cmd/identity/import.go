package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/seed5b6a70b4/identity/commands"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/commitlines"
	"github.com/seed5b6a70b4/identity/eventstream/logstore"
)

// importCommand puts an exported file into a directory.
type importCommand struct {
	dataFlags `embed:""`
	File      string `arg:"" name:"file" help:"A file that export wrote; - is the standard input."`
}

// importTarget is where an import goes.
type importTarget interface {
	// begin is told of the first transaction before anything is written.
	begin(ctx context.Context, first []eventstream.Commit) error
	importer() eventstream.Importer
	// finish is called when everything was written: so many transactions.
	finish(ctx context.Context, transactions uint64) error
	close() error
}

// Run writes what the file has and the directory has not.
func (i *importCommand) Run(c *console) (err error) {
	if err := i.check(); err != nil {
		return err
	}
	from, size, err := i.source()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	target, err := i.target(c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, target.close()) }()
	began := time.Now()
	run := &importing{from: commitlines.NewReader(from), to: target, meter: newMeter(c.err), size: size}
	err = run.all(c.ctx)
	run.meter.finish()
	if err != nil && run.commits > 0 {
		err = fmt.Errorf("%w; the %d transactions before it are there", err, run.transactions)
	}
	if err == nil {
		err = target.finish(c.ctx, run.transactions)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.out, "%d transactions, %d commits are there, in %s\n", run.transactions, run.commits, time.Since(began).Round(time.Millisecond))
	return err
}

// source opens the file; size is 0 where it is not known.
func (i *importCommand) source() (io.ReadCloser, uint64, error) {
	if i.File == "-" {
		return io.NopCloser(os.Stdin), 0, nil
	}
	file, err := os.Open(i.File)
	if err != nil {
		return nil, 0, fmt.Errorf("read the file: %w", err)
	}
	info, err := file.Stat()
	if err != nil {
		return nil, 0, errors.Join(err, file.Close())
	}
	return file, uint64(info.Size()), nil
}

func (i *importCommand) target(c *console) (importTarget, error) {
	if i.Store == dynamoStore {
		t, err := openImportCloud(c, i.TablePrefix)
		if err != nil {
			return nil, err
		}
		return refuseReplica(c.ctx, t, t.streams, t.records(), t.names.Events)
	}
	return i.targetHere(c.ctx)
}

func (i *importCommand) targetHere(ctx context.Context) (importTarget, error) {
	data := dataDirectory{i.Data}
	if err := data.backedUp(); err != nil {
		return nil, err
	}
	if err := data.make(); err != nil {
		return nil, err
	}
	t, err := openImportHere(data)
	if err != nil {
		return nil, err
	}
	if _, err := refuseReplica(ctx, t, eventstream.New(t.store, nil), replicaRecordFile{data}, data.path); err != nil || t.store.End() > 0 {
		return t, err
	}
	if err := data.beginImport(); err != nil {
		return nil, errors.Join(err, t.close())
	}
	return t, nil
}

// importing is one import under way.
type importing struct {
	from  *commitlines.Reader
	to    importTarget
	meter *meter
	size  uint64

	transactions, commits uint64 // that are there
}

// importBatch is how many transactions, and how many bytes of lines, are handed over
// at once.
const (
	importBatch      = 4096
	importBatchBytes = 8 << 20
)

type importedBatch struct {
	transactions [][]eventstream.Commit
	line         uint64 // of the first
	bytes        uint64 // read up to its end
	err          error  // why there are no more
}

// all reads and writes at the same time.
func (i *importing) all(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	batches := make(chan importedBatch, 2)
	group.Go(func() error {
		defer close(batches)
		for {
			batch := i.read()
			select {
			case batches <- batch:
			case <-ctx.Done():
				return ctx.Err()
			}
			if batch.err != nil {
				return nil
			}
		}
	})
	var wrong error
	group.Go(func() error {
		for batch := range batches {
			if err := i.write(ctx, batch); err != nil {
				return err
			}
			wrong = batch.err
		}
		return nil
	})
	if err := group.Wait(); err != nil {
		return err
	}
	if errors.Is(wrong, io.EOF) {
		return nil
	}
	if errors.Is(wrong, commitlines.ErrCut) {
		return fmt.Errorf("the file: %w: export to it again, then import it again", wrong)
	}
	return fmt.Errorf("the file: %w", wrong)
}

// read reads a batch, up to what is wrong in the file.
func (i *importing) read() (batch importedBatch) {
	from := i.from.Bytes()
	for len(batch.transactions) < importBatch && i.from.Bytes()-from < importBatchBytes {
		line, err := i.from.Next()
		if err != nil {
			batch.err = err
			break
		}
		if line.Transaction == nil {
			continue
		}
		if batch.transactions == nil {
			batch.line = i.from.Lines()
		}
		batch.transactions = append(batch.transactions, line.Transaction)
	}
	batch.bytes = i.from.Bytes()
	return batch
}

func (i *importing) write(ctx context.Context, batch importedBatch) error {
	if len(batch.transactions) == 0 {
		return nil
	}
	if i.transactions == 0 {
		if err := i.to.begin(ctx, batch.transactions[0]); err != nil {
			return err
		}
	}
	done, err := i.to.importer().Import(ctx, batch.transactions)
	for _, transaction := range batch.transactions[:done] {
		i.transactions++
		i.commits += uint64(len(transaction))
	}
	if err != nil {
		return fmt.Errorf("what the file has cannot be taken: %w%s", err, otherDirectory(err))
	}
	i.meter.show("importing", batch.bytes, max(i.size, batch.bytes))
	return nil
}

// otherDirectory says more of a first commit that is not the file's.
func otherDirectory(err error) string {
	var wrong *eventstream.ImportError
	if !errors.As(err, &wrong) || !errors.Is(err, eventstream.ErrContradicts) || wrong.Position != (eventstream.Position{Stream: eventstream.StoreStream, Seq: 1}) {
		return ""
	}
	return ": what is there began on its own, or is a copy of another directory: import into one that is new"
}

// importHere is a data directory that is not served.
type importHere struct {
	data  dataDirectory
	store *logstore.Store
	stop  context.CancelFunc
	ran   chan error
}

func openImportHere(data dataDirectory) (*importHere, error) {
	store, err := logstore.Open(data.log(), nil)
	if errors.Is(err, logstore.ErrLocked) {
		return nil, fmt.Errorf("%w: an import needs a directory that is not served: stop it first", err)
	}
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	t := &importHere{data: data, store: store, stop: stop, ran: make(chan error, 1)}
	go func() { t.ran <- store.Run(ctx) }()
	return t, nil
}

// refuseReplica closes a target that follows another directory: what it takes comes from
// there alone. The record of one that has taken over since is left over.
func refuseReplica(ctx context.Context, to importTarget, streams *eventstream.Streams, records replicaRecords, name string) (importTarget, error) {
	follows, err := followsStill(ctx, streams, records)
	if err == nil && follows {
		err = fmt.Errorf("%s follows another directory: promote it first, or import into another one", name)
	}
	if err != nil {
		return nil, errors.Join(err, to.close())
	}
	return to, nil
}

func followsStill(ctx context.Context, streams *eventstream.Streams, records replicaRecords) (bool, error) {
	record, err := records.load(ctx)
	if err != nil || record == nil || !record.Here {
		return record != nil, err
	}
	epoch, err := commands.Epoch(ctx, streams)
	return epoch.String() == record.Epoch, err
}

func (t *importHere) importer() eventstream.Importer { return t.store }

// begin makes sure of the secret, and has a directory that is new begin a life of its
// own when it is opened.
func (t *importHere) begin(_ context.Context, first []eventstream.Commit) error {
	if t.store.End() > 0 {
		return nil
	}
	if err := t.bringSecret(first); err != nil {
		return err
	}
	return t.data.markNewLife()
}

// bringSecret has the directory keep the claim secret of the one that a first transaction
// begins.
func (t *importHere) bringSecret(first []eventstream.Commit) error {
	secret, absent, err := t.data.givenSecret("directory that is copied")
	if err != nil {
		return err
	}
	parsed, err := copiedSecret(first, secret, ", or put its "+claimFile+" into "+t.data.path)
	if err == nil && absent {
		err = t.data.keepClaimSecret(parsed)
	}
	return err
}

// finish has the directory be whole, unless an import that was cut off had got further:
// what came behind that is missing.
func (t *importHere) finish(ctx context.Context, transactions uint64) error {
	if err := t.store.Snapshot(ctx); err != nil {
		return err
	}
	_, absent, err := t.data.readSecret(unfinishedImport)
	if err != nil || absent {
		return err
	}
	if there := t.store.End(); transactions < there {
		return fmt.Errorf("the file ends with %d transactions, and %d are there of an import that was cut off: import the file of that, or a newer one", transactions, there)
	}
	return t.data.endImport()
}

func (t *importHere) close() error {
	t.stop()
	return errors.Join(<-t.ran, t.store.Close())
}
