package logstore

import (
	"runtime"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/logstore/internal/vfs"
)

// OpenOn is Open on a directory of any kind, without a lock and snapshots.
func OpenOn(fs vfs.FS, options *Options) (*Store, error) { return open(fs, "", options) }

// ScanOn is Scan on a directory of any kind, without a lock.
func ScanOn(fs vfs.FS, visit func([]eventstream.Commit) error) error { return scan(fs, visit) }

// Promise puts all that is durable into the mark, as Run does.
func (s *Store) Promise() error { return s.promise() }

// AwaitQueued returns once a number of appends wait for the writer.
func (s *Store) AwaitQueued(count int) {
	for {
		s.queue.mu.Lock()
		waiting := len(s.queue.waiting)
		s.queue.mu.Unlock()
		if waiting >= count {
			return
		}
		runtime.Gosched()
	}
}
