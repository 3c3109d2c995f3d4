package logstore

import (
	"errors"
	"fmt"
	"time"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/logstore/internal/heads"
)

// writer is what the one goroutine that writes keeps from batch to batch.
type writer struct {
	batch
	requests []*request
	reserved int64 // size of the last segment's file
	torn     bool  // a write failed, and what it left is still to be cut off
}

// write takes what queued during the last batch and writes it, until the queue
// is closed and empty.
func (s *Store) write() {
	for {
		requests, bound := s.queue.take(s.writer.requests)
		if len(requests) == 0 {
			return
		}
		s.commit(requests, bound)
		clear(requests)
		s.writer.requests = requests
	}
}

// commit writes a batch: durable first, then published, told to the observer,
// and acknowledged.
func (s *Store) commit(requests []*request, bound int) {
	free, err := s.makeReady(bound)
	s.state.refuse(err)
	b := &s.writer.batch
	b.begin(s.end.Load(), s.options.Now())
	for _, r := range requests {
		if r.owner.CompareAndSwap(queued, taken) {
			s.decide(b, r, err)
		}
	}
	if len(b.transactions) == 0 {
		return
	}
	stats := Batch{Transactions: len(b.transactions), Commits: b.commits, Bytes: len(b.buffer), Free: free}
	if err := s.persist(b, &stats); err != nil {
		s.state.refuse(err)
		for _, r := range b.waiting {
			r.unmet = nil
			r.finish(err)
		}
		return
	}
	s.publish(b)
	if s.options.Observe != nil {
		s.options.Observe(b.transactions)
	}
	for _, r := range b.waiting {
		r.finish(nil)
	}
	if s.options.OnBatch != nil {
		s.options.OnBatch(stats)
	}
}

func (r *request) finish(err error) {
	r.err = err
	close(r.done)
}

// makeReady sees to it that a batch can be written at the log's end. The error
// is why not; nothing has been written then.
func (s *Store) makeReady(bound int) (free uint64, err error) {
	if err := s.state.serving(); err != nil {
		return 0, err
	}
	if free, err = s.checkSpace(); err == nil {
		err = s.cutTorn()
	}
	if err == nil {
		err = s.reserve(int64(frameHeader + bound))
	}
	if err != nil {
		s.dieOf(err)
		return free, fmt.Errorf("%w: %w", eventstream.ErrUnavailable, err)
	}
	return free, nil
}

// dieOf ends the store if the error is a failed sync.
func (s *Store) dieOf(err error) {
	var failed *syncError
	if errors.As(err, &failed) {
		s.die(err)
	}
}

func (s *Store) checkSpace() (uint64, error) {
	free, err := s.options.FreeSpace()
	if err != nil {
		return 0, fmt.Errorf("ask for free space: %w", err)
	}
	if s.options.LowWater > 0 && free < uint64(s.options.LowWater) {
		return free, fmt.Errorf("disk almost full: %d bytes free, less than %d", free, s.options.LowWater)
	}
	return free, nil
}

// cutTorn removes what a failed write left at the log's end, durably.
func (s *Store) cutTorn() error {
	if !s.writer.torn {
		return nil
	}
	end := s.end.Load()
	if err := end.segment.file.Truncate(end.offset); err != nil {
		return fmt.Errorf("remove what a failed write left: %w", err)
	}
	if err := end.segment.file.Sync(); err != nil {
		return &syncError{err}
	}
	s.writer.torn, s.writer.reserved = false, end.offset
	return nil
}

// reserve makes room for a number of bytes at the log's end, if need be in a new
// segment.
func (s *Store) reserve(size int64) error {
	end := s.end.Load()
	need := end.offset + size
	if need > s.options.SegmentSize && end.offset > segmentHeader {
		return s.rotate(end, max(s.options.SegmentSize, segmentHeader+size))
	}
	if wanted := max(need, s.options.SegmentSize); wanted > s.writer.reserved {
		if err := end.segment.file.Allocate(wanted); err != nil {
			return fmt.Errorf("reserve room: %w", err)
		}
		s.writer.reserved = wanted
	}
	return nil
}

// rotate begins a segment, promises all before it, and gives back what the one
// before reserved in vain.
func (s *Store) rotate(end *place, size int64) error {
	made, err := s.segments.create(s.id, *end, size)
	if err != nil {
		return fmt.Errorf("create segment: %w", err)
	}
	s.writer.reserved = size
	s.end.Store(&place{made, made.signposts[0]})
	if err := s.promise(); err != nil {
		s.options.Logger.Warn("log mark not written", "reason", err)
	}
	if err := end.segment.file.Truncate(end.offset); err != nil {
		s.options.Logger.Warn("segment not trimmed", "file", end.segment.name, "reason", err)
	}
	return s.state.dead()
}

// persist writes the batch and makes it durable.
func (s *Store) persist(b *batch, stats *Batch) error {
	end := b.end
	end.segment.endFrame(b.buffer, end.offset, end.next, len(b.transactions))
	began := time.Now()
	if _, err := end.segment.file.WriteAt(b.buffer, end.offset); err != nil {
		s.writer.torn = true
		if cutting := s.cutTorn(); cutting != nil {
			s.dieOf(cutting)
			return fmt.Errorf("%w: %w", eventstream.ErrUnknownOutcome, errors.Join(err, cutting))
		}
		return fmt.Errorf("%w: %w", eventstream.ErrUnavailable, err)
	}
	written := time.Now()
	if err := end.segment.file.Sync(); err != nil {
		s.die(&syncError{err})
		return fmt.Errorf("%w: %w", eventstream.ErrUnknownOutcome, err)
	}
	stats.Sync, stats.Write = time.Since(written), time.Since(began)
	return nil
}

// publish lets everybody see the batch, all of it at one instant.
func (s *Store) publish(b *batch) {
	s.segments.post(*b.end)
	s.publishing.Lock()
	defer s.publishing.Unlock()
	s.published.Store(b.end.next - 1 + uint64(len(b.transactions)))
	for key, head := range b.heads {
		s.heads.Put(key, heads.Head{Sequence: uint64(head.Seq), Address: uint64(head.address)})
	}
	s.recent.put(b.heads)
	s.commits.Add(uint64(b.commits))
	s.end.Store(&place{b.end.segment, signpost{
		offset: b.end.offset + int64(len(b.buffer)),
		next:   b.end.next + uint64(len(b.transactions)),
		latest: b.latest,
	}})
}
