package seeding

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/seed5b6a70b4/identity/commands"
)

// Doer does a command: commands.Handler, or a client of one.
type Doer interface {
	Do(ctx context.Context, request commands.Request, command commands.Command) (commands.Result, error)
}

// Bulk is a Doer that makes many users at once, for less than each alone.
type Bulk interface {
	Doer
	// CreateUsers makes up to MaxUsersAtOnce users and tells how many of them were
	// not there. It fails if one cannot be made.
	CreateUsers(ctx context.Context, request commands.Request, users []commands.CreateUser) (created int, err error)
}

// MaxUsersAtOnce is how many users a Bulk is given at once, and bulkWriters how
// often at a time.
const (
	MaxUsersAtOnce = 500
	bulkWriters    = 4
)

// Filling says how a plan is carried out.
type Filling struct {
	// Writers is how many commands are under way at a time.
	Writers int
	// Progress is told after each command how many of Steps are done. It may be
	// called concurrently. Nil tells nobody.
	Progress func(done int)
}

// Tally is what filling did.
type Tally struct {
	// Users, Groups and Memberships are how many the plan has, Nested how many
	// groups are in another.
	Users, Groups, Memberships, Nested int
	// Written is how many commands wrote something: 0 if all was there.
	Written int
}

// request is who seeds.
var request = commands.Request{Actor: "seed", Correlation: "seed"}

// Steps is how many commands it takes to carry the plan out with a roster.
func (p Plan) Steps(roster *Roster) int {
	steps := p.Users + p.Groups
	for group := range p.Groups {
		steps += (len(roster.Members(group)) + commands.MaxMembersAtOnce - 1) / commands.MaxMembersAtOnce
		if _, nested := p.Parent(group); nested {
			steps++
		}
	}
	return steps
}

// Fill carries the plan out: groups, users, the users in groups, the groups in
// groups. What is there already is left as it is, so an attempt that was broken
// off can be made again. It ends with the first error.
func (p Plan) Fill(ctx context.Context, do Doer, roster *Roster, how Filling) (Tally, error) {
	f := filler{plan: p, do: do, roster: roster, how: how}
	err := f.fill(ctx)
	return Tally{Users: p.Users, Groups: p.Groups, Memberships: roster.Len(), Nested: f.nested, Written: int(f.written.Load())}, err
}

// users names the part of a plan that can be done in bulk.
const users = "users"

type filler struct {
	plan   Plan
	do     Doer
	roster *Roster
	how    Filling

	done, written atomic.Int64
	nested        int
}

func (f *filler) fill(ctx context.Context) error {
	for _, part := range []struct {
		what    string
		writers int
		all     func(yield func(commands.Command) bool)
	}{
		{"groups", f.how.Writers, func(yield func(commands.Command) bool) {
			for number := 0; number < f.plan.Groups && yield(f.plan.Group(number)); number++ {
			}
		}},
		{users, f.how.Writers, func(yield func(commands.Command) bool) {
			for number := 0; number < f.plan.Users && yield(f.plan.User(number)); number++ {
			}
		}},
		{"members", f.how.Writers, f.members},
		// Each of these writes to the stream nesting, so two would only conflict.
		{"groups in groups", 1, f.nestings},
	} {
		run := func() error { return f.run(ctx, part.writers, part.all) }
		if bulk, is := f.do.(Bulk); is && part.what == users {
			run = func() error { return f.createUsers(ctx, bulk) }
		}
		if err := run(); err != nil {
			return fmt.Errorf("seed %s: %w", part.what, err)
		}
	}
	return nil
}

// members adds the users to each group, many at once.
func (f *filler) members(yield func(commands.Command) bool) {
	for number := range f.plan.Groups {
		group, members := f.plan.GroupID(number), f.roster.Members(number)
		for len(members) > 0 {
			some := members[:min(len(members), commands.MaxMembersAtOnce)]
			members = members[len(some):]
			add := commands.AddMembers{Group: group, Members: make([]uuid.UUID, len(some))}
			for i, user := range some {
				add.Members[i] = f.plan.UserID(int(user)).UUID
			}
			if !yield(add) {
				return
			}
		}
	}
}

func (f *filler) nestings(yield func(commands.Command) bool) {
	for number := range f.plan.Groups {
		parent, nested := f.plan.Parent(number)
		if !nested {
			continue
		}
		f.nested++
		if !yield(commands.AddMember{Group: f.plan.GroupID(parent), Member: f.plan.GroupID(number).UUID}) {
			return
		}
	}
}

// createUsers makes the users, many at once, until some cannot be made.
func (f *filler) createUsers(ctx context.Context, bulk Bulk) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(bulkWriters)
	for first := 0; first < f.plan.Users && ctx.Err() == nil; first += MaxUsersAtOnce {
		group.Go(func() error {
			some := make([]commands.CreateUser, min(MaxUsersAtOnce, f.plan.Users-first))
			for i := range some {
				some[i] = f.plan.User(first + i)
			}
			created, err := bulk.CreateUsers(ctx, request, some)
			if err != nil {
				return err
			}
			f.written.Add(int64(created))
			f.progress(len(some))
			return nil
		})
	}
	return group.Wait()
}

func (f *filler) progress(more int) {
	if done := f.done.Add(int64(more)); f.how.Progress != nil {
		f.how.Progress(int(done))
	}
}

// run does commands, several at a time, until one fails.
func (f *filler) run(ctx context.Context, writers int, all func(yield func(commands.Command) bool)) error {
	group, ctx := errgroup.WithContext(ctx)
	todo := make(chan commands.Command, 2*writers)
	group.Go(func() error {
		defer close(todo)
		var stopped error
		all(func(command commands.Command) bool {
			select {
			case todo <- command:
				return true
			case <-ctx.Done():
				stopped = ctx.Err()
				return false
			}
		})
		return stopped
	})
	for range writers {
		group.Go(func() error {
			for command := range todo {
				if err := f.one(ctx, command); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}

func (f *filler) one(ctx context.Context, command commands.Command) error {
	result, err := f.do.Do(ctx, request, command)
	if err != nil {
		return err
	}
	if result.Changed {
		f.written.Add(1)
	}
	f.progress(1)
	return nil
}
