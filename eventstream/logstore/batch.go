package logstore

import (
	"slices"
	"time"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/logstore/internal/heads"
)

// batch is what is written and synced at once. Its memory is used again.
type batch struct {
	end *place // where it begins
	now time.Time

	buffer       []byte                  // the frame
	transactions [][]eventstream.Commit  // new for each batch: observers may keep it
	waiting      []*request              // those that are answered once it is durable
	heads        map[heads.Key]knownHead // as they will be
	commits      int
	latest       int64

	// Of the request that is decided: the heads of its entries, and those and the keys
	// of its entries that write.
	known  []knownHead
	plain  []eventstream.Head
	before []knownHead
	keys   []heads.Key
}

func (b *batch) begin(end *place, now time.Time) {
	if b.heads == nil {
		b.heads = map[heads.Key]knownHead{}
	}
	clear(b.heads)
	clear(b.waiting)
	b.end, b.now, b.latest, b.commits = end, now, end.latest, 0
	b.buffer, b.waiting, b.transactions = beginFrame(b.buffer), b.waiting[:0], nil
}

// decide adds a request to the batch if what it expects holds at the log's end,
// the batch included. Otherwise it is answered: at once, or with the batch if the
// answer shows what the batch is yet to make durable.
func (s *Store) decide(b *batch, r *request, refusal error) {
	if refusal != nil {
		r.finish(refusal)
		return
	}
	if r.sealed != nil {
		s.decideSealed(b, r)
		return
	}
	known, early := slices.Grow(b.known[:0], len(r.keys))[:len(r.keys)], true
	b.known = known
	for i := range r.tx.Entries {
		head, pending, err := s.newest(b, r, i)
		if err != nil {
			r.finish(err)
			return
		}
		if known[i] = head; !r.tx.Entries[i].Expect.Allows(head.Seq) {
			r.unmet = append(r.unmet, unmet{i, head.Seq})
		}
		early = early && !pending
	}
	switch {
	case r.unmet == nil:
		b.add(r, known)
		b.waiting = append(b.waiting, r)
	case early:
		r.finish(nil)
	default:
		b.waiting = append(b.waiting, r)
	}
}

// newest gives the head of the stream of a request's entry, and whether it is yet
// to become durable.
func (s *Store) newest(b *batch, r *request, i int) (head knownHead, pending bool, err error) {
	key := r.keys[i]
	if head, found := b.heads[key]; found {
		return head, true, nil
	}
	if head, found := s.recent.get(key); found {
		return head, false, nil
	}
	at, found := s.heads.Get(key)
	switch {
	case !found:
		return knownHead{}, false, nil
	case r.heads[i].address == address(at.Address):
		return r.heads[i], false, nil
	case r.tx.Entries[i].Data == nil:
		return knownHead{Head: eventstream.Head{Seq: eventstream.Seq(at.Sequence)}}, false, nil
	}
	head, err = s.known(r.tx.Entries[i].Stream, at)
	return head, false, err
}

// add seals a request's transaction and puts it into the frame.
func (b *batch) add(r *request, known []knownHead) {
	b.plain, b.before, b.keys = b.plain[:0], b.before[:0], b.keys[:0]
	for i := range known {
		b.plain = append(b.plain, known[i].Head)
		if r.tx.Entries[i].Data != nil {
			b.before, b.keys = append(b.before, known[i]), append(b.keys, r.keys[i])
		}
	}
	r.commits = eventstream.Seal(&r.tx, b.plain, b.now)
	b.put(r.commits, b.keys, b.before)
}

// put puts the commits of a transaction, which are the batch's from then on, into
// the frame: on top of the heads of their streams.
func (b *batch) put(commits []eventstream.Commit, keys []heads.Key, known []knownHead) {
	position, from := b.end.next+uint64(len(b.transactions)), len(b.buffer)
	at := addressOf(b.end.segment.number, b.end.offset+int64(from))
	before := make([]address, len(commits))
	for i := range commits {
		commit := &commits[i]
		commit.Log, before[i] = position, known[i].address
		b.heads[keys[i]] = knownHead{eventstream.Head{Seq: commit.Seq, Time: commit.Time, Hash: commit.Hash}, at}
		b.latest = max(b.latest, commit.Time.UnixMilli())
	}
	b.buffer = appendTransaction(beginEntry(b.buffer), commits, before)
	b.buffer = b.end.segment.endEntry(b.buffer, from, b.end.offset, position)
	b.transactions = append(b.transactions, commits)
	b.commits += len(commits)
}
