package logstore

import "github.com/seed5b6a70b4/identity/eventstream/logstore/internal/vfs"

// OpenOn is Open on a directory of any kind, without a lock and snapshots.
func OpenOn(fs vfs.FS, options *Options) (*Store, error) { return open(fs, "", options) }

// Promise puts all that is durable into the mark, as Run does.
func (s *Store) Promise() error { return s.promise() }
