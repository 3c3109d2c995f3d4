package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/seed5b6a70b4/identity/commands"
	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/internal/seeding"
)

// seedWriters is how many commands are under way at a time, so that each sync
// makes many durable.
const seedWriters = 128

// seedCommand fills the directory.
type seedCommand struct {
	remoteFlags `embed:""`
	Users       int    `required:"" placeholder:"N" help:"How many users there are to be."`
	Groups      int    `required:"" placeholder:"M" help:"How many groups."`
	Seed        uint64 `default:"1" placeholder:"S" help:"Which users and groups: the same for the same seed. Default 1."`
}

// Run fills the directory; what is there of it already is left as it is.
func (s *seedCommand) Run(c *console) error {
	switch {
	case s.Users < 0 || s.Users > 100_000_000:
		return misused("--users: %d is not from 0 to 100000000", s.Users)
	case s.Groups < 0 || s.Groups > 10_000_000:
		return misused("--groups: %d is not from 0 to 10000000", s.Groups)
	}
	meter := newMeter(c.err)
	ctx, stop := context.WithCancel(c.ctx)
	defer stop()
	log := slog.New(slog.NewTextHandler(c.err, &slog.HandlerOptions{Level: slog.LevelWarn}))
	died := make(chan error, 1)
	// The index is made at the end, which is several times less work.
	to, e, err := s.reach(ctx, followFlags{Feed: noFeed, Search: noSearch}, settings{log: log, noSearch: true, fatal: func(err error) { died <- err; stop() }, progress: func(done, total uint64) {
		meter.show("catching up", done, total)
	}})
	if err != nil {
		return err
	}
	plan := seeding.Plan{Users: s.Users, Groups: s.Groups, Seed: s.Seed}
	if e == nil {
		_, err := fill(ctx, c, meter, plan, remoteDoer{to})
		return errors.Join(err, to.close())
	}
	err = s.fillHere(ctx, c, meter, plan, e)
	select {
	case failed := <-died:
		return errors.Join(failed, err, e.close())
	default:
		return errors.Join(err, e.snapshot(), e.close())
	}
}

// fillHere fills an engine in this process, and leaves an embedded one ready for a
// fast start.
func (s *seedCommand) fillHere(ctx context.Context, c *console, meter *meter, plan seeding.Plan, e engine) error {
	behind, end := context.WithCancel(context.WithoutCancel(ctx))
	background, behind := errgroup.WithContext(behind)
	background.Go(func() error { return e.run(behind) })
	background.Go(func() error { return tuneCollector(behind) })
	tally, err := fill(ctx, c, meter, plan, e.base().commands)
	end()
	err = errors.Join(err, background.Wait())
	if err != nil || tally.Written == 0 {
		return err
	}
	b, is := e.(*embedded)
	if !is {
		return nil
	}
	meter.show("indexing", 0, 1)
	defer meter.finish()
	return b.reindex(ctx)
}

func fill(ctx context.Context, c *console, meter *meter, plan seeding.Plan, do seeding.Doer) (seeding.Tally, error) {
	began := time.Now()
	roster := plan.Roster()
	steps := uint64(plan.Steps(roster))
	tally, err := plan.Fill(ctx, do, roster, seeding.Filling{Writers: seedWriters, Progress: func(done int) {
		meter.show("seeding", uint64(done), steps)
	}})
	meter.finish()
	if err != nil {
		return tally, err
	}
	wrote := fmt.Sprintf("; %d of %d commands wrote something", tally.Written, steps)
	if _, remote := do.(remoteDoer); remote {
		wrote = "" // a service does not tell which members were in already
	}
	_, err = fmt.Fprintf(c.out, "%d users, %d groups, %d memberships and %d groups in groups are there%s, in %s\n",
		tally.Users, tally.Groups, tally.Memberships, tally.Nested, wrote, time.Since(began).Round(time.Millisecond))
	return tally, err
}

// remoteDoer does commands through a running service.
type remoteDoer struct{ to *client }

// Do implements seeding.Doer for the commands of a plan.
func (d remoteDoer) Do(ctx context.Context, _ commands.Request, command commands.Command) (commands.Result, error) {
	method, path, body := http.MethodPost, "", any(nil)
	switch cmd := command.(type) {
	case commands.CreateUser:
		path, body = "/users", userBody(&cmd)
	case commands.CreateGroup:
		path, body = "/groups", groupBody(&cmd)
	case commands.AddMembers:
		path, body = "/groups/"+cmd.Group.String()+"/members", map[string]any{"members": cmd.Members}
	case commands.AddMember:
		method, path = http.MethodPut, "/groups/"+cmd.Group.String()+"/members/"+cmd.Member.String()
	default:
		return commands.Result{}, fmt.Errorf("seeding has no %T", command)
	}
	status, err := d.ask(ctx, method, path, body, nil)
	return commands.Result{Changed: status == http.StatusCreated}, err
}

// CreateUsers implements seeding.Bulk.
func (d remoteDoer) CreateUsers(ctx context.Context, _ commands.Request, users []commands.CreateUser) (created int, err error) {
	items := make([]map[string]any, len(users))
	for i := range users {
		items[i] = map[string]any{"op": "create", "user": userBody(&users[i])}
	}
	var results struct{ Items []problem }
	if _, err := d.ask(ctx, http.MethodPost, "/users:batch", map[string]any{"items": items}, &results); err != nil {
		return 0, err
	}
	for i := range results.Items {
		switch result := &results.Items[i]; {
		case result.Status >= 300:
			return created, result
		case result.Status == http.StatusCreated:
			created++
		}
	}
	return created, nil
}

// ask makes a request, again and again while there were too many.
func (d remoteDoer) ask(ctx context.Context, method, path string, body, into any) (status int, err error) {
	for {
		status, err := d.to.do(ctx, method, path, body, into)
		var refused *problem
		if !errors.As(err, &refused) || refused.Status != http.StatusTooManyRequests {
			return status, err
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(refused.after):
		}
	}
}

func userBody(u *commands.CreateUser) map[string]any {
	body := map[string]any{"id": u.ID.String(), "active": u.Active}
	for name, text := range map[string]string{
		"username": u.Username.String(), "email": u.Email.String(), "name": u.Name.String(),
		"givenName": u.GivenName.String(), "familyName": u.FamilyName.String(), "externalId": u.ExternalID.String(),
	} {
		if text != "" {
			body[name] = text
		}
	}
	return withAttributes(body, u.Attributes)
}

func groupBody(g *commands.CreateGroup) map[string]any {
	body := map[string]any{"id": g.ID.String()}
	for name, text := range map[string]string{"name": g.Name.String(), "description": g.Description.String(), "externalId": g.ExternalID.String()} {
		if text != "" {
			body[name] = text
		}
	}
	return withAttributes(body, g.Attributes)
}

func withAttributes(body map[string]any, attributes domain.Attributes) map[string]any {
	if len(attributes) > 0 {
		values := map[string]rawJSON{}
		for name, value := range attributes {
			values[name] = rawJSON(value.JSON())
		}
		body["attributes"] = values
	}
	return body
}

// rawJSON is written as it is.
type rawJSON string

// MarshalJSON implements json.Marshaler.
func (r rawJSON) MarshalJSON() ([]byte, error) { return []byte(r), nil }
