package commands

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/internal/deadline"
)

// Series does commands many at a time, with the same outcome as one after
// another in the order in which they were added: those that touch the same user,
// or contend for the same unique value, wait for each other, and nothing else
// does. It promises nothing of what others do meanwhile. One goroutine may add.
//
// Where the store is an eventstream.Queue, whoever adds decides, and another
// goroutine ends what is written; a command that has to wait for one before it has
// a goroutine of its own, so that those after it go on. Elsewhere each command that
// is under way has a goroutine.
type Series struct {
	handler *Handler
	width   int
	timeout time.Duration
	workers sync.WaitGroup
	started int
	jobs    chan *Underway // for workers to do
	begun   chan *Underway // to be ended, in order
	slots   chan struct{}  // one for each command that is begun

	mu sync.Mutex
	// bound is a context that commands of the same caller share for a while: the
	// timer of each of its own would cost more than what it waits for.
	bound bound
	// last is the newest command that touches a thing and is not done yet.
	last map[touched]*Underway
}

// Serial is a command that a Series can do.
type Serial interface {
	Command
	// wants tells which user the command names, the zero ID for none, and which
	// unique values it wants.
	wants() (user domain.UserID, values []touched)
	// releases reads the unique values that the command may give up; may is false
	// if it gives up none, whatever the user has.
	releases(ctx context.Context, h *Handler) (now []touched, may bool, err error)
}

// touched is a user, with no kind, or a unique value in its compared form.
type touched struct {
	kind domain.ClaimKind
	key  string
}

// bound is a context with a deadline, to be used until a time before that.
type bound struct {
	of, ctx context.Context
	until   time.Time
	end     context.CancelFunc
}

// boundShare is for which share of the timeout a bound is used: commands get at
// least the rest.
const boundShare = 8

// Underway is a command of a Series.
type Underway struct {
	ctx     context.Context
	request Request
	command Serial

	touches []touched
	// values are those that the user may have had or come to have while this was
	// under way.
	values []touched
	after  []*Underway

	doing  doing
	done   chan struct{}
	result Result
	err    error
}

// NewSeries makes an empty Series that does up to width commands at a time, each
// within the timeout, or up to an eighth less, once it is its turn. It must be
// closed.
func (h *Handler) NewSeries(width int, timeout time.Duration) *Series {
	s := &Series{handler: h, width: width, timeout: timeout, last: map[touched]*Underway{}}
	if h.reader.streams.Queues() {
		s.begun, s.slots = make(chan *Underway, width), make(chan struct{}, width)
		s.workers.Go(s.endAll)
	} else {
		s.jobs = make(chan *Underway)
	}
	return s
}

// Add begins a command, which is done as Handler.Do does it. It waits while as
// many as the series is wide are under way.
func (s *Series) Add(ctx context.Context, request Request, command Serial) *Underway {
	u := &Underway{ctx: ctx, request: request, command: command, done: make(chan struct{})}
	if u.err = s.queue(u); u.err != nil {
		close(u.done)
		return u
	}
	if s.begun != nil {
		s.slots <- struct{}{}
		if u.waits() {
			s.workers.Go(func() { s.begin(u); s.end(u) })
			return u
		}
		s.begin(u)
		s.begun <- u
		return u
	}
	select {
	case s.jobs <- u:
		return u
	default:
	}
	if s.started < s.width {
		s.started++
		s.workers.Go(func() { s.work(u) })
	} else {
		s.jobs <- u
	}
	return u
}

// Close waits until all is done. Nothing may be added any more.
func (s *Series) Close() {
	if s.begun != nil {
		close(s.begun)
	} else {
		close(s.jobs)
	}
	s.workers.Wait()
	if s.bound.end != nil {
		s.bound.end()
	}
}

// Done is closed when the command is done.
func (u *Underway) Done() <-chan struct{} { return u.done }

// Wait gives what came of the command, once it is done.
func (u *Underway) Wait() (Result, error) {
	<-u.done
	return u.result, u.err
}

// queue puts the command after those it must wait for.
func (s *Series) queue(u *Underway) error {
	user, wanted := u.command.wants()
	self := touched{key: string(user.UUID[:])}
	u.touches, u.values = wanted, wanted
	if !user.IsZero() {
		// Looked at before the user is read: what is done in between is read.
		u.values = append(slices.Clip(wanted), s.valuesOf(self)...)
		ctx, cancel := deadline.After(u.ctx, s.timeout)
		now, may, err := u.command.releases(ctx, s.handler)
		cancel()
		if err != nil {
			return err
		}
		if may {
			u.touches = append(slices.Clip(u.values), now...)
		}
		u.touches = append(slices.Clip(u.touches), self)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, thing := range u.touches {
		if before := s.last[thing]; before != nil && before != u {
			u.after = append(u.after, before)
		}
		s.last[thing] = u
	}
	return nil
}

// valuesOf are the unique values that a user may have or come to have by what is
// not done yet.
func (s *Series) valuesOf(user touched) []touched {
	s.mu.Lock()
	defer s.mu.Unlock()
	if before := s.last[user]; before != nil {
		return before.values
	}
	return nil
}

// endAll ends commands in the order in which they were begun. One that has to be
// decided or appended again is left to a goroutine of its own: those behind it go
// on.
func (s *Series) endAll() {
	for u := range s.begun {
		if u.await() {
			s.end(u)
		} else {
			s.workers.Go(func() { s.end(u) })
		}
	}
}

// await waits until what was begun is written, and tells whether ending the command
// waits for nothing more.
func (u *Underway) await() bool {
	defer u.survive()
	return u.err != nil || u.doing.await()
}

func (s *Series) end(u *Underway) {
	s.finish(u)
	<-s.slots
}

// work does commands until there are no more. They come in the order in which
// they were added, so those that one waits for are being done already.
func (s *Series) work(u *Underway) {
	for {
		s.begin(u)
		s.finish(u)
		var more bool
		if u, more = <-s.jobs; !more {
			return
		}
	}
}

// waits tells whether something is not done yet that the command must wait for.
func (u *Underway) waits() bool {
	return slices.ContainsFunc(u.after, func(before *Underway) bool {
		select {
		case <-before.done:
			return false
		default:
			return true
		}
	})
}

// begin begins the command once those are done that it must wait for. A panic
// becomes its error: it must not take others with it.
func (s *Series) begin(u *Underway) {
	for _, before := range u.after {
		<-before.done
	}
	u.after = nil
	u.doing = doing{handler: s.handler, request: u.request, command: u.command}
	defer u.survive()
	u.doing.begin(s.bounded(u.ctx))
}

// finish ends the command, if it was begun, and lets those go on that wait for it.
func (s *Series) finish(u *Underway) {
	if u.err == nil {
		u.finish()
	}
	u.doing = doing{}
	s.mu.Lock()
	for _, thing := range u.touches {
		if s.last[thing] == u {
			delete(s.last, thing)
		}
	}
	s.mu.Unlock()
	close(u.done)
}

func (u *Underway) finish() {
	defer u.survive()
	u.result, u.err = u.doing.end()
}

// survive makes a panic the error of the command.
func (u *Underway) survive() {
	if panicked := recover(); panicked != nil {
		u.err = fmt.Errorf("panic: %T\n%s", panicked, debug.Stack())
		u.doing.turn.end()
	}
}

// bounded gives a context that ends within the timeout. One that was used before
// ends by itself: commands may have it still.
func (s *Series) bounded(of context.Context) context.Context {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := time.Now(); s.bound.of != of || !now.Before(s.bound.until) {
		ctx, end := context.WithDeadline(of, now.Add(s.timeout))
		s.bound = bound{of, ctx, now.Add(s.timeout / boundShare), end}
	}
	return s.bound.ctx
}

func (cmd CreateUser) wants() (domain.UserID, []touched) {
	return cmd.ID, values(cmd.user(cmd.ID))
}

func (CreateUser) releases(context.Context, *Handler) ([]touched, bool, error) {
	return nil, false, nil
}

func (cmd UpdateUser) wants() (domain.UserID, []touched) {
	return cmd.ID, values(cmd.update(domain.User{}))
}

func (cmd UpdateUser) releases(ctx context.Context, h *Handler) ([]touched, bool, error) {
	if !cmd.Username.Set && !cmd.Email.Set && !cmd.ExternalID.Set {
		return nil, false, nil
	}
	user, err := h.reader.user(ctx, cmd.ID)
	return values(user), true, err
}

// values are the unique values of a user.
func values(user domain.User) []touched {
	all := make([]touched, 0, 4)
	for _, value := range userValues(&user) {
		if value.key != "" {
			all = append(all, touched{value.kind, value.key})
		}
	}
	return all
}
