package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	neturl "net/url"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/seed5b6a70b4/identity/internal/audit"
	"github.com/seed5b6a70b4/identity/queries"
	"github.com/seed5b6a70b4/identity/queries/closure"
)

// verifyCommand audits the data.
type verifyCommand struct {
	remoteFlags `embed:""`
	Search      string        `env:"IDENTITY_SEARCH" placeholder:"NAME" help:"The index that follows the directory, as serve is told; with elasticsearch it must have got to where the audit begins, and hold what the rows say."`
	Show        int           `default:"1000" placeholder:"N" help:"How many findings are shown at most; all are counted. Default 1000."`
	Patience    time.Duration `default:"0s" placeholder:"DURATION" help:"How long what differs may take to come right, as views and indexes follow the streams: as long as they are behind, an hour at most. On a log only indexes are waited for, and while they move. 0, the default, is 10s on tables and 1s on a log."`
	Repair      bool          `help:"Make anew what differs and is derived from the streams: rows, announcements, marks, documents of the search index. What is not derived is told and left. Then audit again."`
	JSON        bool          `name:"json" help:"Print one JSON object: the findings, at most --show of them, and the totals."`
}

// errDrift is why verify fails although it could do its work.
var errDrift = errors.New("the data is not as it must be")

// Run audits and prints what was found, one line each, and a summary.
func (v *verifyCommand) Run(c *console) error {
	if v.Show < 0 {
		return misused("--show: %d is less than nothing", v.Show)
	}
	if err := (auditOrder{patience: v.Patience}).check(); err != nil {
		return misused("--%s", err)
	}
	if err := v.lookable(); err != nil {
		return err
	}
	follow := followFlags{Search: v.Search}
	if v.URL == "" {
		if err := follow.fill(v.Store); err != nil {
			return err
		}
	}
	follow.Feed = noFeed // nothing but the audit is to be done
	meter := newMeter(c.err)
	set := settings{looking: true, noSearch: follow.Search == noSearch, progress: func(done, total uint64) { meter.show("catching up", done, total) }}
	to, b, err := v.reach(c.ctx, follow, set)
	if err != nil {
		return err
	}
	began := time.Now()
	told := &findings{show: v.Show}
	if !v.JSON {
		told.print = c.out
	}
	options := audit.Options{Patience: v.Patience, Progress: meter.show, Found: told.add}
	var result verdict
	if b != nil {
		result, err = v.here(c.ctx, b, set, options)
	} else {
		result, err = to.verify(c.ctx, options, v.Repair)
		err = errors.Join(err, to.close())
	}
	meter.finish()
	if err != nil {
		return err
	}
	if v.JSON {
		err = told.json(c.out, &result)
	} else {
		err = told.summarise(c.out, &result, time.Since(began))
	}
	if err == nil && result.Drift > 0 {
		err = fmt.Errorf("%w: %d findings", errDrift, result.Drift)
	}
	return err
}

// here audits what no service runs, and closes it.
func (v *verifyCommand) here(ctx context.Context, e engine, set settings, options audit.Options) (verdict, error) {
	if v.Store == dynamoStore {
		result, err := auditAndRepair(ctx, e, options, v.Repair)
		return result, errors.Join(err, e.close())
	}
	result, err := verifyAtRest(ctx, e, options, v.Repair)
	if err = errors.Join(err, e.close()); err != nil || result.Left == "" {
		return result, err
	}
	if err := (dataDirectory{v.Data}).forgetSnapshots(); err != nil {
		return result, err
	}
	again, err := openEmbedded(ctx, v.Data, set)
	if err != nil {
		return result, err
	}
	before := result
	options.Found = nil
	if result, err = verifyAtRest(ctx, again, options, true); err == nil {
		err = again.snapshot()
	}
	result.Repaired += before.Repaired + before.Derived() - result.Derived()
	return result, errors.Join(err, again.close())
}

// subject is what there is to audit.
func (b *embedded) subject() audit.Subject {
	now := b.answering.Load()
	s := audit.Subject{
		Store: b.store, Secret: b.directory.Secret, View: now.rows.view,
		Applied: map[string]func() uint64{now.rows.view.Name(): now.rows.view.Applied}, Closures: map[string]audit.Closure{closure.Name: b.closure},
	}
	if now.search != nil {
		s.Applied[now.search.name] = now.search.forwarder.Applied
		s.Indexes = map[string]queries.Inventory{now.search.name: now.search.index}
		s.Makes = map[string]audit.Describing{now.search.name: now.search}
	}
	return s
}

// verify implements engine.
func (b *embedded) verify(ctx context.Context, options audit.Options) (audit.Report, error) {
	return audit.Run(ctx, b.subject(), options)
}

// verifyAtRest audits what no service runs.
func verifyAtRest(ctx context.Context, e engine, options audit.Options, repair bool) (verdict, error) {
	behind, end := context.WithCancel(ctx)
	background, behind := errgroup.WithContext(behind)
	background.Go(func() error { return e.run(behind) })
	background.Go(func() error { return tuneCollector(behind) })
	err := e.settle(ctx)
	var result verdict
	if err == nil {
		result, err = auditAndRepair(ctx, e, options, repair)
	}
	end()
	return result, errors.Join(err, background.Wait())
}

// The lines of an audit that is asked of a running service.
type auditLine struct {
	Stage   string         `json:"stage,omitempty"`
	Done    uint64         `json:"done,omitempty"`
	Total   uint64         `json:"total,omitempty"`
	Finding *audit.Finding `json:"finding,omitempty"`
	Report  *verdict       `json:"report,omitempty"`
	Error   string         `json:"error,omitempty"`
}

// verify asks a running service for an audit, and for repairs.
func (c *client) verify(ctx context.Context, options audit.Options, repair bool) (verdict, error) {
	order := auditOrder{repair, options.Patience}
	answer, err := c.open(ctx, http.MethodPost, (&neturl.URL{Path: verifyPath, RawQuery: order.query()}).String(), nil)
	if err != nil {
		return verdict{}, err
	}
	defer answer.Body.Close()
	for lines := json.NewDecoder(answer.Body); ; {
		var line auditLine
		switch err := lines.Decode(&line); {
		case errors.Is(err, io.EOF):
			return verdict{}, errors.New("the service broke the audit off")
		case err != nil:
			return verdict{}, fmt.Errorf("read the audit: %w", err)
		case line.Error != "":
			return verdict{}, errors.New(line.Error)
		case line.Finding != nil:
			options.Found(*line.Finding)
		case line.Report != nil:
			return *line.Report, nil
		default:
			options.Progress(line.Stage, line.Done, line.Total)
		}
	}
}
