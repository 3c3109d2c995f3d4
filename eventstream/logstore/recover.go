package logstore

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"

	"github.com/seed5b6a70b4/identity/eventstream/logstore/internal/heads"
	"github.com/seed5b6a70b4/identity/internal/snapshot"
)

// snapshotName is the name of the heads' snapshots in the directory.
const snapshotName = "heads"

// recover brings the heads up to the log's end, makes sure that nothing that was
// promised is missing, and removes what a crash cut short.
func (s *Store) recover(d *directory) error {
	s.segments, s.mark = d.segments, d.mark
	s.id = s.segments.all[0].id
	r := replay{heads: &s.heads}
	if err := s.loadHeads(&r); err != nil {
		return err
	}
	end, err := s.segments.scan(s.segments.beforePosition(r.position+1), r.frame)
	if err != nil {
		return err
	}
	if err := d.reaches(end, r.through); err != nil {
		return err
	}
	if err := s.mend(end); err != nil {
		return err
	}
	if s.mark == nil {
		if s.mark, err = createMark(s.fs, s.id, end.next-1); err != nil {
			return fmt.Errorf("create mark: %w", err)
		}
	}
	s.end.Store(&end.place)
	s.published.Store(end.next - 1)
	s.commits.Store(r.commits)
	return s.mark.promise(end.next - 1)
}

// loadHeads reads the newest good snapshot of the heads, if there is one.
func (s *Store) loadHeads(r *replay) error {
	if s.dir == "" {
		return nil
	}
	warn := func(file string, reason error) {
		s.options.Logger.Warn("snapshot of the heads passed over", "file", file, "reason", reason)
	}
	position, found, err := snapshot.Load(s.dir, snapshotName, s.fingerprint(), warn, func(_ uint64, body io.Reader) error {
		if err := s.heads.Load(body); err != nil {
			return err
		}
		return binary.Read(body, binary.BigEndian, &r.through)
	})
	if err != nil {
		return err
	}
	if !found {
		r.through = 0
		s.heads.Clear()
		return nil
	}
	r.position = position
	s.snapshotted.Store(position)
	return nil
}

// fingerprint is what a snapshot of the heads depends on.
func (s *Store) fingerprint() string { return "heads 1 " + hex.EncodeToString(s.id[:]) }

// reaches makes sure that the log has all that was ever acknowledged, as far as
// the mark and a snapshot tell.
func (d *directory) reaches(end ending, through uint64) error {
	if d.mark != nil && end.next-1 < d.mark.position {
		return end.segment.corrupt(end.offset, end.next, fmt.Sprintf("the log ends here, but position %d was acknowledged", d.mark.position))
	}
	if end.next-1 < through {
		return end.segment.corrupt(end.offset, end.next, fmt.Sprintf("the log ends here, but a snapshot holds position %d", through))
	}
	return nil
}

// mend makes the log's end durable, with zeros after it. The last frame is
// written once more: a sync of it may have failed in the process before, and the
// system may have forgotten that.
func (s *Store) mend(end ending) error {
	file := end.segment.file
	if end.torn > end.offset {
		s.options.Logger.Warn("the end of the log was cut off by a crash before it was acknowledged, and is removed",
			"file", end.segment.name, "offset", end.offset, "position", end.next, "bytes", end.torn-end.offset)
		if err := file.Truncate(end.offset); err != nil {
			return err
		}
	}
	if end.lastFrame > 0 {
		last := make([]byte, end.offset-end.lastFrame)
		if _, err := file.ReadAt(last, end.lastFrame); err != nil {
			return fmt.Errorf("read the last frame: %w", err)
		}
		if _, err := file.WriteAt(last, end.lastFrame); err != nil {
			return fmt.Errorf("write the last frame again: %w", err)
		}
	}
	if err := file.Sync(); err != nil {
		return err
	}
	if err := file.Allocate(s.options.SegmentSize); err != nil {
		s.options.Logger.Warn("no room to reserve for the log", "file", end.segment.name, "reason", err)
	}
	return s.fs.SyncDir()
}

// replay brings heads up to the log.
type replay struct {
	heads *heads.Table
	// position is that of the snapshot which the heads are from: all before it is
	// in them. Of what follows, up to through, some may be.
	position, through uint64
	commits           uint64 // applied
}

// frame applies a frame, and gives the latest time in it.
func (r *replay) frame(f *frame) (int64, error) {
	if f.first+uint64(f.count)-1 <= r.position {
		return f.latestTime()
	}
	latest := int64(noTime)
	for each, err := range f.entries() {
		if err != nil {
			return 0, err
		}
		reader := newTransactionReader(each.payload)
		for stored := (storedCommit{}); reader.next(&stored); {
			latest = max(latest, stored.time)
			if each.position > r.position && !r.commit(&stored, &each) {
				return 0, each.corrupt("a commit does not follow the last one of its stream")
			}
		}
		if _, err := reader.end(); err != nil {
			return 0, each.corrupt(err.Error())
		}
	}
	return latest, nil
}

// commit moves the head of the commit's stream there, and tells whether the
// commit follows the head or, of what a snapshot may hold, is in it already.
func (r *replay) commit(stored *storedCommit, in *entry) (follows bool) {
	r.heads.Update(heads.KeyOf(stored.stream), func(head heads.Head) (heads.Head, bool) {
		if head.Sequence >= stored.seq {
			follows = in.position <= r.through
			return head, false
		}
		follows = head.Sequence+1 == stored.seq && head.Address == uint64(stored.before)
		return heads.Head{Sequence: stored.seq, Address: uint64(in.address())}, follows
	})
	r.commits++
	return follows
}
