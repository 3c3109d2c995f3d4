package logstore

import (
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
	known, early := make([]knownHead, len(r.keys)), true
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
	plain := make([]eventstream.Head, len(known))
	for i := range known {
		plain[i] = known[i].Head
	}
	r.commits = eventstream.Seal(&r.tx, plain, b.now)
	keys, before := make([]heads.Key, 0, len(r.commits)), make([]knownHead, 0, len(r.commits))
	for i := range r.tx.Entries {
		if r.tx.Entries[i].Data != nil {
			keys, before = append(keys, r.keys[i]), append(before, known[i])
		}
	}
	b.put(r.commits, keys, before)
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
