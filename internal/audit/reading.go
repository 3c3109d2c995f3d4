package audit

import (
	"context"
	"runtime"

	"golang.org/x/sync/errgroup"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// batchSize is how many transactions are examined at a time.
const batchSize = 256

// batch is a run of transactions of the log. What can be said of each alone is
// found out by several workers; done is closed when it is.
type batch struct {
	transactions []transaction
	done         chan struct{}
}

// transaction is one of the log, with what was found out about it alone.
type transaction struct {
	commits []eventstream.Commit
	// facts holds, for each commit, its events; nil if they cannot be read.
	facts [][]domain.Event
	// first holds, for each commit, the entity it makes if it is an entity's first.
	first    []entity
	findings []Finding
}

// readLog goes over the log in order: one goroutine reads, some examine each
// transaction alone, and the caller puts together what needs the ones before.
func (a *audit) readLog(ctx context.Context) error {
	workers := max(1, runtime.GOMAXPROCS(0))
	todo, inOrder := make(chan *batch, workers), make(chan *batch, 2*workers)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(todo)
		defer close(inOrder)
		return a.tail(ctx, todo, inOrder)
	})
	for range workers {
		group.Go(func() error {
			for b := range todo {
				for i := range b.transactions {
					a.examine(&b.transactions[i])
				}
				close(b.done)
			}
			return nil
		})
	}
	group.Go(func() error { return a.collect(ctx, inOrder) })
	return group.Wait()
}

// tail hands the log out in batches, each to a worker and in order to collect.
func (a *audit) tail(ctx context.Context, todo, inOrder chan<- *batch) error {
	var filling *batch
	hand := func() error {
		for _, to := range []chan<- *batch{todo, inOrder} {
			select {
			case to <- filling:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		filling = nil
		return nil
	}
	for commits, err := range a.log.Tail(ctx, 0) {
		if err != nil {
			return err
		}
		if len(commits) > 0 && commits[0].Log > a.report.End {
			break
		}
		if filling == nil {
			filling = &batch{transactions: make([]transaction, 0, batchSize), done: make(chan struct{})}
		}
		filling.transactions = append(filling.transactions, transaction{commits: commits})
		if len(filling.transactions) == batchSize {
			if err := hand(); err != nil {
				return err
			}
		}
	}
	if filling == nil {
		return nil
	}
	return hand()
}

// collect takes the examined transactions in the order of the log.
func (a *audit) collect(ctx context.Context, inOrder <-chan *batch) error {
	position := uint64(0)
	for b := range inOrder {
		select {
		case <-b.done:
		case <-ctx.Done():
			return ctx.Err()
		}
		for i := range b.transactions {
			position = a.take(&b.transactions[i], position)
		}
		a.progress("log", position, a.report.End)
	}
	if position < a.report.End && ctx.Err() == nil {
		a.reporter.add(Finding{Part: Streams, Log: position, What: "the log ends here, but says it has more"})
	}
	return ctx.Err()
}

// take adds a transaction to what is known, and gives its position.
func (a *audit) take(tx *transaction, before uint64) uint64 {
	for _, finding := range tx.findings {
		a.reporter.add(finding)
	}
	if len(tx.commits) == 0 {
		a.reporter.add(Finding{Part: Streams, Log: before + 1, What: "the transaction has no commit"})
		return before + 1
	}
	position := tx.commits[0].Log
	if position != before+1 {
		a.reporter.add(Finding{Part: Streams, Log: position, What: "does not follow " + number(before)})
	}
	a.report.Transactions++
	for i := range tx.commits {
		a.report.Commits++
		a.learn(tx, i, a.follow(&tx.commits[i]) && tx.facts[i] != nil)
	}
	a.compareShown()
	return position
}
