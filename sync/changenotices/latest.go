package changenotices

import (
	"context"
	"sync"
	"time"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// keptCommits is how many of a part's newest commits are kept, so that not each of
// those who wait reads them.
const keptCommits = 64

// latest is what the parts have announced lately, as it was polled while somebody
// waited.
type latest struct {
	poll time.Duration

	mu      sync.Mutex
	waiting int
	waited  chan struct{} // has a signal when somebody begins to wait
	changed chan struct{} // closed when there is something new
	// polled is when all parts were last found to be where parts says.
	polled time.Time
	parts  []keptPart
}

// keptPart is the end of a part: its head, and the commits up to there.
type keptPart struct {
	known   bool
	head    eventstream.Seq
	commits []commit
}

func (l *latest) init(parts int, poll time.Duration) {
	l.poll = poll
	l.parts = make([]keptPart, parts)
	l.waited, l.changed = make(chan struct{}, 1), make(chan struct{})
}

// after gives what the parts have announced behind these numbers, if all of that
// is kept, and was polled just now. Of the part that was told in part, -1 for none,
// that is at least the commit it was: another process may have seen it first.
func (l *latest) after(seqs []eventstream.Seq, partly int) ([][]commit, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if time.Since(l.polled) > 2*l.poll {
		return nil, false
	}
	found := make([][]commit, len(l.parts))
	for i := range l.parts {
		p := &l.parts[i]
		if !p.known || seqs[i] > p.head || i == partly && seqs[i] == p.head || p.head-seqs[i] > eventstream.Seq(len(p.commits)) {
			return nil, false
		}
		found[i] = p.commits[len(p.commits)-int(p.head-seqs[i]):]
	}
	return found, true
}

// wait returns when a part is further than the numbers, or ctx ends.
func (l *latest) wait(ctx context.Context, seqs []eventstream.Seq, partly bool) error {
	l.mu.Lock()
	l.waiting++
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		l.waiting--
		l.mu.Unlock()
	}()
	select {
	case l.waited <- struct{}{}:
	default:
	}
	for {
		l.mu.Lock()
		changed := l.changed
		further := partly
		for i := range l.parts {
			further = further || l.parts[i].head > seqs[i]
		}
		l.mu.Unlock()
		if further {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// add notes what was read of a part behind its head.
func (l *latest) add(part int, commits []commit) {
	if len(commits) == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	p := &l.parts[part]
	p.head = commits[len(commits)-1].seq
	p.commits = append(p.commits[max(0, len(p.commits)+len(commits)-keptCommits):len(p.commits):len(p.commits)], commits...)
	close(l.changed)
	l.changed = make(chan struct{})
}

// Run polls while somebody waits, until ctx ends.
func (n *Notices) Run(ctx context.Context) error {
	failing := false
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-n.latest.waited:
		}
		n.latest.forget()
		for n.latest.anybody() {
			err := n.look(ctx)
			if err != nil && !failing && ctx.Err() == nil {
				n.options.Logger.Warn("the change feed cannot be read; who follows hears nothing new", "error", err)
			}
			failing = err != nil
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(n.options.Poll):
			}
		}
	}
}

// forget begins anew: while nobody waited nothing was read, and what was announced
// meanwhile may be much.
func (l *latest) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.polled = time.Time{}
	clear(l.parts)
}

func (l *latest) anybody() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.waiting > 0
}

// look reads what the parts have announced since it was last looked.
func (n *Notices) look(ctx context.Context) error {
	began := time.Now()
	err := n.each(ctx, func(ctx context.Context, i int) error {
		if !n.latest.parts[i].known { // only Run writes it
			head, err := n.streams.Head(ctx, n.parts[i])
			if err != nil {
				return err
			}
			n.latest.begin(i, head)
			return nil
		}
		commits, err := n.read(ctx, i, n.latest.parts[i].head, keptCommits)
		n.latest.add(i, commits)
		return err
	})
	if err == nil {
		n.latest.looked(began)
	}
	return err
}

// begin notes where a part stands.
func (l *latest) begin(part int, head eventstream.Seq) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.parts[part].known, l.parts[part].head = true, head
	close(l.changed)
	l.changed = make(chan struct{})
}

func (l *latest) looked(at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.polled = at
}
