package dynamostore

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// lanes let the appends that write to one stream whatever its number take turns,
// as many at once as fit a request: alone, all but one of them would lose.
type lanes struct {
	mu     sync.Mutex
	queues map[eventstream.StreamID][]*passenger // of the streams that have a driver
}

// passenger is a member that waits for its turn.
type passenger struct {
	*member
	ctx    context.Context // its caller's
	beside int             // how many others are in the request, once it is taken
	taken  bool            // it may not get off any more; both guarded by lanes.mu
}

// sharedStream gives the stream for which a transaction can be folded with
// others: the only one that it writes whatever the number.
func sharedStream(tx *eventstream.Transaction) (shared eventstream.StreamID, ok bool) {
	for i := range tx.Entries {
		if e := &tx.Entries[i]; e.Data != nil && !pins(e) {
			if ok {
				return "", false
			}
			shared, ok = e.Stream, true
		}
	}
	return shared, ok
}

// ride appends a transaction in its turn. Once it is on its way, the caller may
// leave and does not know what came of it.
func (s *Store) ride(ctx context.Context, stream eventstream.StreamID, tx *eventstream.Transaction) ([]eventstream.Commit, error) {
	p := &passenger{member: newMember(tx), ctx: ctx}
	s.lanes.mu.Lock()
	queue, driven := s.lanes.queues[stream]
	s.lanes.queues[stream] = append(queue, p)
	s.lanes.mu.Unlock()
	if !driven {
		s.calls.Go(func() { s.drive(stream) })
	}
	select {
	case <-p.done:
		return p.commits, p.err
	case <-ctx.Done():
	}
	if s.lanes.getOff(stream, p) {
		return nil, why(ctx)
	}
	if p.beside == 0 { // what it waits for ends with it
		<-p.done
	}
	select {
	case <-p.done:
		return p.commits, p.err
	default:
		return nil, fmt.Errorf("%w: %w", eventstream.ErrUnknownOutcome, why(ctx))
	}
}

// getOff takes a passenger out of its queue, if it is there still.
func (l *lanes) getOff(stream eventstream.StreamID, p *passenger) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !p.taken {
		l.queues[stream] = slices.DeleteFunc(l.queues[stream], func(other *passenger) bool { return other == p })
	}
	return !p.taken
}

// drive appends what waits for a stream until nothing does.
func (s *Store) drive(stream eventstream.StreamID) {
	for {
		batch := s.lanes.take(stream)
		if len(batch) == 0 {
			return
		}
		s.deliver(batch)
	}
}

// deliver appends transactions together, for as long as any of their callers
// waits.
func (s *Store) deliver(batch []*passenger) {
	ctx, leave := context.WithCancelCause(s.life)
	defer leave(nil)
	group := make([]*member, len(batch))
	var waiting atomic.Int32
	waiting.Store(int32(len(batch)))
	for i, p := range batch {
		group[i] = p.member
		stop := context.AfterFunc(p.ctx, func() {
			if waiting.Add(-1) == 0 {
				leave(context.Cause(p.ctx))
			}
		})
		defer stop()
	}
	s.run(ctx, group)
}

// take gives the transactions that come next on a stream: in order, as many as
// fit one request and share no other stream. If there is none the driver may go.
func (l *lanes) take(stream eventstream.StreamID) (batch []*passenger) {
	l.mu.Lock()
	defer l.mu.Unlock()
	queue := l.queues[stream]
	if len(queue) == 0 {
		delete(l.queues, stream)
		return nil
	}
	loaded := load{streams: map[eventstream.StreamID]struct{}{}}
	var left []*passenger
	for _, p := range queue {
		if p.taken = loaded.add(stream, p.tx); p.taken {
			batch = append(batch, p)
		} else {
			left = append(left, p)
		}
	}
	for _, p := range batch {
		p.beside = len(batch) - 1
	}
	l.queues[stream] = left
	return batch
}

// load is what is in a request so far.
type load struct {
	streams map[eventstream.StreamID]struct{}
	entries int
	bytes   int
}

// add tells whether a transaction fits too, and loads it then. The first does.
func (l *load) add(shared eventstream.StreamID, tx *eventstream.Transaction) bool {
	size := boundOf(tx)
	if l.entries > 0 && (l.entries+len(tx.Entries) > eventstream.MaxEntries || l.bytes+size > maxRequest) {
		return false
	}
	for i := range tx.Entries {
		if _, twice := l.streams[tx.Entries[i].Stream]; twice {
			return false
		}
	}
	for i := range tx.Entries {
		if stream := tx.Entries[i].Stream; stream != shared {
			l.streams[stream] = struct{}{}
		}
	}
	l.entries += len(tx.Entries)
	l.bytes += size
	return true
}
