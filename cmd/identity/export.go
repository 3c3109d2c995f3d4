package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/seed5b6a70b4/identity/commands"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/logstore"
	"github.com/seed5b6a70b4/identity/eventstream/transfer"
)

// exportCommand writes every commit to a file.
type exportCommand struct {
	remoteFlags `embed:""`
	Out         string `placeholder:"FILE" help:"Where to: a file that is new, or that an earlier export wrote, whole or cut off, which is gone on with. By default the standard output."`
}

// Run writes all that there is when it begins, or later.
func (e *exportCommand) Run(c *console) error {
	if err := e.check(); err != nil {
		return err
	}
	if e.Out != "" && e.Store != dynamoStore && (dataDirectory{e.Data}).holds(e.Out) {
		return misused("--out: %s is in the data directory itself", e.Out)
	}
	give, end, done, err := e.giver(c)
	if err != nil {
		return err
	}
	began := time.Now()
	out := &exportFile{meter: newMeter(c.err), end: end}
	err = out.open(c, e.Out)
	if err == nil {
		err = out.goOn(c.ctx, give)
	}
	err = errors.Join(err, out.close(), done())
	if err != nil {
		return err
	}
	say := c.out
	if e.Out == "" {
		say = c.err
	}
	_, err = fmt.Fprintf(say, "%d transactions, %d commits; %d commits written in %s\n",
		out.lines.Transactions(), out.lines.Commits(), out.lines.Commits()-out.before, time.Since(began).Round(time.Millisecond))
	return err
}

// giver gives what there is to export: of the running service that is named or holds
// the data directory, else of the store itself. end is about where that ends, 0 if it
// is not known.
func (e *exportCommand) giver(c *console) (give giver, end uint64, done func() error, err error) {
	if e.URL != "" {
		to, err := e.dial(announcement{URL: e.URL})
		if err != nil {
			return nil, 0, nil, err
		}
		return giveFrom(to), 0, to.close, nil
	}
	if err := e.existing(); err != nil {
		return nil, 0, nil, err
	}
	if e.Store == dynamoStore {
		opened, err := e.open(c.ctx, followFlags{Feed: noFeed, Search: noSearch}, settings{noSearch: true})
		if err != nil {
			return nil, 0, nil, err
		}
		core := opened.base()
		return giveHere(core.events, core.directory.Epoch), 0, opened.close, nil
	}
	store, err := logstore.Open(dataDirectory{e.Data}.log(), nil)
	if errors.Is(err, logstore.ErrLocked) {
		running, err := dataDirectory{e.Data}.announced()
		if err != nil {
			return nil, 0, nil, err
		}
		to, err := e.dial(running)
		if err != nil {
			return nil, 0, nil, err
		}
		return giveFrom(to), 0, to.close, nil
	}
	if err != nil {
		return nil, 0, nil, err
	}
	epoch, err := commands.Epoch(c.ctx, eventstream.New(store, nil))
	if err != nil {
		return nil, 0, nil, errors.Join(err, store.Close())
	}
	return giveHere(transfer.NewLog(store), epoch), store.End(), store.Close, nil
}
