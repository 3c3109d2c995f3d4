package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	neturl "net/url"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/commitlines"
	"github.com/seed5b6a70b4/identity/eventstream/transfer"
)

// taker is who commits are given to.
type taker interface {
	// begin is told, once, of what life of a directory they are, and whether they come
	// in order.
	begin(epoch string, ordered bool) error
	// take takes a transaction that is sealed as it must be, and tells whether a place
	// should be told soon.
	take(ctx context.Context, transaction []eventstream.Commit) (due bool, err error)
	// place is told up to where everything was given.
	place(text string) error
}

// giver gives all that there is behind a place to a taker.
type giver func(ctx context.Context, after string, to taker) error

// giveHere gives what a store in this process has.
func giveHere(source transfer.Source, epoch eventstream.Epoch) giver {
	return func(ctx context.Context, after string, to taker) error {
		var place eventstream.Mark
		if err := to.begin(epoch.String(), source.Ordered()); err != nil {
			return err
		}
		if after != "" {
			var err error
			if place, err = eventstream.DecodeMark(after, epoch); err != nil {
				return err
			}
		}
		tell := func() error {
			text, err := place.AppendEncode(nil, epoch)
			if err != nil {
				return err
			}
			return to.place(string(text))
		}
		for step, err := range ahead(ctx, checked(source.After(ctx, place))) {
			if err != nil {
				return err
			}
			due := false
			if step.Transaction != nil {
				if due, err = to.take(ctx, step.Transaction); err != nil {
					return err
				}
			}
			if place = step.Next; due {
				if err := tell(); err != nil {
					return err
				}
			}
		}
		return tell()
	}
}

// checked lets only those transactions through that are sealed as they must be.
func checked(steps iter.Seq2[transfer.Step, error]) iter.Seq2[transfer.Step, error] {
	return func(yield func(transfer.Step, error) bool) {
		for step, err := range steps {
			if err == nil && step.Transaction != nil {
				err = eventstream.CheckSealed(step.Transaction)
			}
			if !yield(step, err) || err != nil {
				return
			}
		}
	}
}

// ahead reads steps while those before them are being taken.
func ahead(ctx context.Context, steps iter.Seq2[transfer.Step, error]) iter.Seq2[transfer.Step, error] {
	const batch, batches = 256, 4
	return func(yield func(transfer.Step, error) bool) {
		read, leave := make(chan []transfer.Step, batches), make(chan struct{})
		var failed error // read once the channel is closed
		go func() {
			defer close(read)
			some := make([]transfer.Step, 0, batch)
			give := func() bool {
				select {
				case read <- some:
					some = make([]transfer.Step, 0, batch)
					return true
				case <-leave:
					return false
				}
			}
			for step, err := range steps {
				if failed = err; err != nil {
					break
				}
				if some = append(some, step); len(some) == batch && !give() {
					return
				}
			}
			give()
		}()
		defer func() {
			close(leave)
			for range read { // it ends before the store may be closed
			}
		}()
		for some := range read {
			for _, step := range some {
				if !yield(step, nil) {
					return
				}
			}
		}
		if failed == nil {
			failed = ctx.Err()
		}
		if failed != nil {
			yield(transfer.Step{}, failed)
		}
	}
}

// giveFrom gives what a running service has.
func giveFrom(c *client) giver {
	return func(ctx context.Context, after string, to taker) error {
		path := "/events"
		if after != "" {
			path += "?after=" + neturl.QueryEscape(after)
		}
		answer, err := c.stream(ctx, path)
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		lines := commitlines.NewReader(answer.Body)
		for {
			line, err := lines.Next()
			switch {
			case err != nil:
				return fmt.Errorf("the answer of the service: %w", err)
			case line.Header != nil:
				err = to.begin(line.Header.Epoch, line.Header.Ordered)
			case line.Transaction != nil:
				if err = eventstream.CheckSealed(line.Transaction); err == nil {
					_, err = to.take(ctx, line.Transaction)
				}
			default:
				if err = to.place(line.Checkpoint.After); err == nil && line.Checkpoint.End {
					return nil
				}
			}
			if err != nil {
				return err
			}
		}
	}
}

// stream asks for an answer in lines.
func (c *client) stream(ctx context.Context, path string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url+path, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", "application/x-ndjson")
	return c.send(r)
}

// errOtherLife: a file is not of the life of the directory that it should go on with.
var errOtherLife = errors.New("the file is of another directory, or of another life of it: name another file")
