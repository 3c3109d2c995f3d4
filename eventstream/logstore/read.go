package logstore

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"
	"sync"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/logstore/internal/heads"
)

// Read implements eventstream.Store. It walks back from the stream's last commit
// to the first one asked for, and then gives them in order: a long way from a
// stream's end costs two reads of the log for each commit.
func (s *Store) Read(ctx context.Context, stream eventstream.StreamID, after eventstream.Seq) iter.Seq2[eventstream.Commit, error] {
	return s.read(ctx, stream, after, 0)
}

// Last implements eventstream.Store.
func (s *Store) Last(ctx context.Context, stream eventstream.StreamID) (eventstream.Commit, error) {
	head, found, err := s.head(ctx, stream)
	if err != nil || !found {
		return eventstream.Commit{}, err
	}
	commit, _, err := s.commitAt(stream, head)
	return commit, err
}

// Head implements eventstream.Heads.
func (s *Store) Head(ctx context.Context, stream eventstream.StreamID) (eventstream.Seq, error) {
	head, _, err := s.head(ctx, stream)
	return eventstream.Seq(head.Sequence), err
}

func (s *Store) head(ctx context.Context, stream eventstream.StreamID) (heads.Head, bool, error) {
	if err := ctx.Err(); err != nil {
		return heads.Head{}, false, err
	}
	key := heads.KeyOf(stream)
	s.publishing.RLock()
	head, found := s.heads.Get(key)
	s.publishing.RUnlock()
	// Asked afterwards: a store that was closed in between has no heads.
	if err := s.state.serving(); err != nil {
		return heads.Head{}, false, err
	}
	return head, found, nil
}

// step is a commit on the way back: as it was read, or only where it stands.
type step struct {
	commit *eventstream.Commit
	at     heads.Head
}

// keptSteps is how many commits are kept on the way back instead of being read
// again on the way forth.
const keptSteps = 256

// read gives the commits of a stream after a number, up to another or, if that is
// zero, to the last.
func (s *Store) read(ctx context.Context, stream eventstream.StreamID, after, last eventstream.Seq) iter.Seq2[eventstream.Commit, error] {
	return func(yield func(eventstream.Commit, error) bool) {
		steps, err := s.walkBack(ctx, stream, after)
		if err != nil {
			yield(eventstream.Commit{}, err)
			return
		}
		var before *eventstream.Commit
		for _, each := range slices.Backward(steps) {
			if last > 0 && each.at.Sequence > uint64(last) {
				return
			}
			commit, err := s.stepForth(ctx, stream, each, before)
			if err != nil {
				yield(eventstream.Commit{}, err)
				return
			}
			if !yield(*commit, nil) {
				return
			}
			before = commit
		}
	}
}

// walkBack finds the commits of a stream after a number, newest first.
func (s *Store) walkBack(ctx context.Context, stream eventstream.StreamID, after eventstream.Seq) ([]step, error) {
	at, found, err := s.head(ctx, stream)
	if err != nil || !found || at.Sequence <= uint64(after) {
		return nil, err
	}
	var steps []step
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		commit, before, err := s.commitAt(stream, at)
		if err != nil {
			return nil, err
		}
		if len(steps) < keptSteps {
			steps = append(steps, step{&commit, at})
		} else {
			steps = append(steps, step{nil, at})
		}
		if at.Sequence == uint64(after)+1 {
			return steps, nil
		}
		at = heads.Head{Sequence: at.Sequence - 1, Address: uint64(before)}
	}
}

// stepForth gives the commit of a step, checked against the one before it.
func (s *Store) stepForth(ctx context.Context, stream eventstream.StreamID, at step, before *eventstream.Commit) (*eventstream.Commit, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	commit := at.commit
	if commit == nil {
		read, _, err := s.commitAt(stream, at.at)
		if err != nil {
			return nil, err
		}
		commit = &read
	}
	if before != nil && commit.Previous != before.Hash {
		return nil, s.corruptAt(address(at.at.Address), commit.Log, "a commit's hash of the one before does not match")
	}
	return commit, nil
}

// commitAt reads a commit whose place is known, and its stream's previous one's
// place. It checks all that can be checked: the entry's checksum, that it holds
// the commit, and the commit's hash.
func (s *Store) commitAt(stream eventstream.StreamID, head heads.Head) (eventstream.Commit, address, error) {
	at := address(head.Address)
	buffer := entryBuffers.Get().(*[]byte)
	defer entryBuffers.Put(buffer)
	position, payload, err := s.entryAt(at, buffer)
	if err != nil {
		return eventstream.Commit{}, 0, err
	}
	commit, before, found, err := decodeCommit(payload, position, stream)
	switch {
	case err != nil:
		return eventstream.Commit{}, 0, s.corruptAt(at, position, err.Error())
	case !found || commit.Seq != eventstream.Seq(head.Sequence):
		return eventstream.Commit{}, 0, s.corruptAt(at, position, "the entry does not hold the commit that should be there")
	case commit.ComputeHash() != commit.Hash:
		return eventstream.Commit{}, 0, s.corruptAt(at, position, "a commit does not match its hash")
	}
	return commit, before, nil
}

var entryBuffers = sync.Pool{New: func() any { return new([]byte) }}

// entryAt reads an entry; the payload is in the buffer.
func (s *Store) entryAt(at address, buffer *[]byte) (position uint64, payload []byte, err error) {
	in := s.segments.byNumber(at.segment())
	if in == nil {
		return 0, nil, s.corruptAt(at, 0, "there is no such segment")
	}
	const firstRead = 2 << 10 // holds most entries
	*buffer = slices.Grow((*buffer)[:0], firstRead)[:firstRead]
	n, err := in.file.ReadAt(*buffer, at.offset())
	if n < entryHeader {
		return 0, nil, readError(in, at, err)
	}
	length := int(binary.BigEndian.Uint32(*buffer))
	if length > maxTransaction {
		return 0, nil, in.corrupt(at.offset(), 0, "entry does not match its checksum")
	}
	if whole := entryHeader + length; whole > n {
		*buffer = slices.Grow(*buffer, whole)[:whole]
		if got, err := in.file.ReadAt((*buffer)[n:], at.offset()+int64(n)); n+got < whole {
			return 0, nil, readError(in, at, err)
		}
	}
	head, payload := (*buffer)[:entryHeader], (*buffer)[entryHeader:entryHeader+length]
	position = binary.BigEndian.Uint64(head[4:])
	if in.sum(at.offset(), head[:12], payload) != binary.BigEndian.Uint32(head[12:]) {
		return 0, nil, in.corrupt(at.offset(), position, "entry does not match its checksum")
	}
	return position, payload, nil
}

// readError says why less was read than is needed.
func readError(in *segment, at address, err error) error {
	switch {
	case errors.Is(err, os.ErrClosed):
		return eventstream.ErrClosed
	case errors.Is(err, io.EOF):
		return in.corrupt(at.offset(), 0, "the file is shorter than what was written to it")
	}
	return fmt.Errorf("%w: read %s: %w", eventstream.ErrUnavailable, in.name, err)
}

func (s *Store) corruptAt(at address, position uint64, reason string) error {
	name := fmt.Sprintf("segment %d", at.segment())
	if in := s.segments.byNumber(at.segment()); in != nil {
		name = in.name
	}
	return &CorruptError{File: name, Offset: at.offset(), Position: position, Reason: reason}
}
