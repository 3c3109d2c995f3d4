package main

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// parkedCommand shows what views cannot apply, and has it tried again.
type parkedCommand struct {
	List  parkedList  `cmd:"" default:"withargs" help:"List the streams that a view or an index cannot apply."`
	Retry parkedRetry `cmd:"" help:"Try them again, all or some: after a newer build was installed, or what they need was mended. Ends with 1 if any is still parked, or none of a name that is given."`
}

type parkedFlags struct {
	remoteFlags `embed:""`
	Search      string `env:"IDENTITY_SEARCH" placeholder:"NAME" help:"The index that follows the directory, as serve is told, where no running service is asked."`
}

type parkedList struct {
	parkedFlags `embed:""`
}

type parkedRetry struct {
	parkedFlags `embed:""`
	Streams     []string `arg:"" optional:"" name:"stream" help:"The streams to try; all that are parked if none is named."`
}

// parkedStream is what the service tells of one.
type parkedStream struct {
	View     string    `json:"view"`
	Stream   string    `json:"stream"`
	Seq      uint64    `json:"seq"`
	Reason   string    `json:"reason"`
	Since    time.Time `json:"since"`
	Attempts int       `json:"attempts"`
}

type parkedAnswer struct {
	Items []parkedStream `json:"items"`
	Total int            `json:"total"`
}

// open gives a client of the service, or of one in this process.
func (f *parkedFlags) open(c *console) (*client, error) {
	if err := f.lookable(); err != nil {
		return nil, err
	}
	follow := followFlags{Search: f.Search}
	if f.URL == "" {
		if err := follow.fill(f.Store); err != nil {
			return nil, err
		}
	}
	follow.Feed = noFeed
	to, e, err := f.reach(c.ctx, follow, settings{noSearch: follow.Search == noSearch})
	if err != nil || to != nil {
		return to, err
	}
	return serveHere(e)
}

// Run prints a line for each.
func (l *parkedList) Run(c *console) (err error) {
	to, err := l.open(c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, to.close()) }()
	var parked parkedAnswer
	if _, err := to.do(c.ctx, http.MethodGet, "/parked", nil, &parked); err != nil {
		return err
	}
	for _, p := range parked.Items {
		if _, err := fmt.Fprintf(c.out, "%s\t%s\tat %d\t%s\tsince %s\t%d attempts\n", p.View, p.Stream, p.Seq, p.Reason, p.Since.Format(time.RFC3339), p.Attempts); err != nil {
			return err
		}
	}
	if hidden := parked.Total - len(parked.Items); hidden > 0 {
		_, err = fmt.Fprintf(c.out, "and %d more\n", hidden)
	}
	return err
}

// Run tries again, one by one, and prints what came of it.
func (r *parkedRetry) Run(c *console) (err error) {
	to, err := r.open(c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, to.close()) }()
	var parked parkedAnswer
	if _, err := to.do(c.ctx, http.MethodGet, "/parked", nil, &parked); err != nil {
		return err
	}
	tried, still := 0, 0
	for _, p := range parked.Items {
		if !r.names(p.Stream) {
			continue
		}
		tried++
		_, err := to.do(c.ctx, http.MethodPost, "/parked:retry", map[string]string{"view": p.View, "stream": p.Stream}, nil)
		var refused *problem
		switch {
		case err == nil:
			_, err = fmt.Fprintf(c.out, "%s\t%s\tno longer parked\n", p.View, p.Stream)
		case errors.As(err, &refused) && refused.Code == "parked":
			still++
			_, err = fmt.Fprintf(c.out, "%s\t%s\tstill parked\n", p.View, p.Stream)
		}
		if err != nil {
			return err
		}
	}
	hidden := parked.Total - len(parked.Items)
	switch unknown := r.unknown(&parked); {
	case still > 0:
		return fmt.Errorf("%d of %d streams are still parked", still, tried)
	case hidden > 0:
		return fmt.Errorf("%d more are parked: run this again", hidden)
	case len(unknown) > 0:
		return fmt.Errorf("nothing of that name is parked: %s", strings.Join(unknown, ", "))
	}
	return nil
}

// unknown gives those that were named and are not parked.
func (r *parkedRetry) unknown(parked *parkedAnswer) (unknown []string) {
	for _, name := range r.Streams {
		if !slices.ContainsFunc(parked.Items, func(p parkedStream) bool { return p.Stream == name }) {
			unknown = append(unknown, name)
		}
	}
	return unknown
}

func (r *parkedRetry) names(stream string) bool {
	for _, named := range r.Streams {
		if named == stream {
			return true
		}
	}
	return len(r.Streams) == 0
}
