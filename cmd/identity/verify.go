package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/seed5b6a70b4/identity/internal/audit"
)

// verifyCommand audits the data.
type verifyCommand struct {
	remoteFlags `embed:""`
	Search      string `env:"IDENTITY_SEARCH" placeholder:"NAME" help:"The index that follows the directory, as serve is told; with elasticsearch it must have got to where the audit begins."`
	Show        int    `default:"1000" placeholder:"N" help:"How many findings are shown at most; all are counted. Default 1000."`
}

// errDrift is why verify fails although it could do its work.
var errDrift = errors.New("the data is not as it must be")

// Run audits and prints what was found, one line each, and a summary.
func (v *verifyCommand) Run(c *console) error {
	if err := v.lookable(); err != nil {
		return err
	}
	follow := followFlags{Search: v.Search}
	if v.URL == "" {
		if err := follow.fill(v.Store); err != nil {
			return err
		}
	}
	follow.Feed = noFeed // an audit changes nothing
	meter := newMeter(c.err)
	to, b, err := v.reach(c.ctx, follow, settings{noSearch: follow.Search == noSearch, progress: func(done, total uint64) { meter.show("catching up", done, total) }})
	if err != nil {
		return err
	}
	began, shown := time.Now(), 0
	options := audit.Options{Progress: meter.show, Found: func(f audit.Finding) {
		if shown++; shown <= v.Show {
			_, _ = fmt.Fprintln(c.out, f)
		}
	}}
	var report audit.Report
	switch {
	case b != nil && v.Store == dynamoStore:
		report, err = b.verify(c.ctx, options)
		err = errors.Join(err, b.close())
	case b != nil:
		report, err = verifyAtRest(c.ctx, b, options)
		err = errors.Join(err, b.close())
	default:
		report, err = to.verify(c.ctx, options)
		err = errors.Join(err, to.close())
	}
	meter.finish()
	if err != nil {
		return err
	}
	return v.summarise(c, &report, time.Since(began))
}

func (v *verifyCommand) summarise(c *console, r *audit.Report, took time.Duration) error {
	if hidden := r.Drift - v.Show; hidden > 0 {
		_, _ = fmt.Fprintf(c.out, "and %d more\n", hidden)
	}
	_, err := fmt.Fprintf(c.out, "%d transactions, %d commits, %d streams: %d users, %d groups, %d memberships, %d claims, %d keys; %d rows compared in %s\n",
		r.Transactions, r.Commits, r.Streams, r.Users, r.Groups, r.Memberships, r.Claims, r.Keys, r.Rows, took.Round(time.Millisecond))
	if err != nil {
		return err
	}
	if r.Drift > 0 {
		return fmt.Errorf("%w: %d findings", errDrift, r.Drift)
	}
	_, err = fmt.Fprintln(c.out, "no drift")
	return err
}

// subject is what there is to audit.
func (b *embedded) subject() audit.Subject {
	now := b.answering.Load()
	s := audit.Subject{Store: b.store, Secret: b.directory.Secret, View: now.rows.view, Applied: map[string]func() uint64{now.rows.view.Name(): now.rows.view.Applied}}
	if now.search != nil {
		s.Applied[now.search.name] = now.search.forwarder.Applied
	}
	return s
}

// verify implements engine.
func (b *embedded) verify(ctx context.Context, options audit.Options) (audit.Report, error) {
	return audit.Run(ctx, b.subject(), options)
}

// verifyAtRest audits what no service runs.
func verifyAtRest(ctx context.Context, e engine, options audit.Options) (audit.Report, error) {
	behind, end := context.WithCancel(ctx)
	background, behind := errgroup.WithContext(behind)
	background.Go(func() error { return e.run(behind) })
	background.Go(func() error { return tuneCollector(behind) })
	err := e.settle(ctx)
	var report audit.Report
	if err == nil {
		report, err = e.verify(ctx, options)
	}
	end()
	return report, errors.Join(err, background.Wait())
}

// The lines of an audit that is asked of a running service.
type auditLine struct {
	Stage   string         `json:"stage,omitempty"`
	Done    uint64         `json:"done,omitempty"`
	Total   uint64         `json:"total,omitempty"`
	Finding *audit.Finding `json:"finding,omitempty"`
	Report  *audit.Report  `json:"report,omitempty"`
	Error   string         `json:"error,omitempty"`
}

// verify asks a running service for an audit.
func (c *client) verify(ctx context.Context, options audit.Options) (audit.Report, error) {
	answer, err := c.open(ctx, http.MethodPost, verifyPath, nil)
	if err != nil {
		return audit.Report{}, err
	}
	defer answer.Body.Close()
	for lines := json.NewDecoder(answer.Body); ; {
		var line auditLine
		switch err := lines.Decode(&line); {
		case errors.Is(err, io.EOF):
			return audit.Report{}, errors.New("the service broke the audit off")
		case err != nil:
			return audit.Report{}, fmt.Errorf("read the audit: %w", err)
		case line.Error != "":
			return audit.Report{}, errors.New(line.Error)
		case line.Finding != nil:
			options.Found(*line.Finding)
		case line.Report != nil:
			return *line.Report, nil
		default:
			options.Progress(line.Stage, line.Done, line.Total)
		}
	}
}
