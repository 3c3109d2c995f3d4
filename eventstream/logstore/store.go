package logstore

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/gofrs/flock"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/logstore/internal/heads"
	"github.com/seed5b6a70b4/identity/eventstream/logstore/internal/vfs"
)

// Store keeps streams in a directory. It is an eventstream.Store and an
// eventstream.Log; all methods may be called concurrently.
type Store struct {
	options Options
	fs      vfs.FS
	dir     string // of snapshots; empty for none
	id      storeID
	lock    *flock.Flock

	segments *segments
	mark     *mark
	heads    heads.Table
	recent   recentHeads
	queue    queue
	writer   writer

	publishing  sync.RWMutex          // held while heads are not all of one batch
	end         atomic.Pointer[place] // of what is durable
	published   atomic.Uint64         // position up to which heads may be in the table
	commits     atomic.Uint64         // since the last snapshot
	snapshotted atomic.Uint64         // position of the last snapshot
	saving      sync.Mutex            // one snapshot at a time
	state       state
	scrubbed    scrubbed
	running     sync.WaitGroup // Run and the writer
	closing     chan struct{}
	closeOnce   sync.Once
	closeErr    error
}

const lockName = "lock"

// Open opens the log in a directory, which is made if it is not there, and
// begins to write for it. It fails with ErrLocked if somebody else has it open,
// and with a CorruptError if acknowledged data is damaged or missing. Nil options
// are the zero Options.
func Open(dir string, options *Options) (*Store, error) {
	if err := makeDirectory(dir); err != nil {
		return nil, fmt.Errorf("make log directory: %w", err)
	}
	lock, err := lockDirectory(dir)
	if err != nil {
		return nil, err
	}
	s, err := open(vfs.OS(dir), dir, options)
	if err != nil {
		return nil, fmt.Errorf("open log in %s: %w", dir, errors.Join(err, lock.Unlock()))
	}
	s.lock = lock
	return s, nil
}

// makeDirectory makes a directory, durably: what is in it is lost with its name.
func makeDirectory(dir string) error {
	made := []string{filepath.Clean(dir)} // now, or by a process that crashed
	for up := filepath.Dir(made[0]); up != made[len(made)-1]; up = filepath.Dir(up) {
		if _, err := os.Stat(up); err == nil {
			break
		}
		made = append(made, up)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for _, each := range made {
		// Who may not read a directory cannot sync it, nor has made anything there.
		if err := vfs.OS(filepath.Dir(each)).SyncDir(); err != nil && !errors.Is(err, os.ErrPermission) {
			return err
		}
	}
	return nil
}

func lockDirectory(dir string) (*flock.Flock, error) {
	lock := flock.New(filepath.Join(dir, lockName), flock.SetPermissions(0o600))
	switch locked, err := lock.TryLock(); {
	case err != nil:
		return nil, fmt.Errorf("lock log directory: %w", err)
	case !locked:
		return nil, fmt.Errorf("%w: another process has locked %s", ErrLocked, lock.Path())
	}
	return lock, nil
}

func open(fs vfs.FS, dir string, options *Options) (*Store, error) {
	s := &Store{options: options.withDefaults(), fs: fs, dir: dir, closing: make(chan struct{})}
	if s.options.FreeSpace == nil {
		s.options.FreeSpace = fs.Free
	}
	found, err := openDirectory(fs, &s.options, false)
	if err != nil {
		return nil, err
	}
	if err := s.recover(found); err != nil {
		s.heads.Close()
		return nil, errors.Join(err, found.close())
	}
	s.queue.wake = make(chan struct{}, 1)
	s.running.Go(s.write)
	return s, nil
}

// End implements eventstream.Log.
func (s *Store) End() uint64 { return s.end.Load().next - 1 }

// Close implements eventstream.Store. It promises what was acknowledged, writes
// a snapshot of the heads for a faster start, waits for Run to end, and lets
// others have the directory.
func (s *Store) Close() error {
	s.closeOnce.Do(func() { s.closeErr = s.close() })
	return s.closeErr
}

func (s *Store) close() error {
	close(s.closing)
	s.queue.close()
	s.running.Wait()
	var err error
	if dead := s.state.dead(); dead == nil {
		err = s.promise()
		s.trySnapshot()
	}
	s.state.close()
	s.heads.Close()
	err = errors.Join(err, s.segments.close(), s.mark.file.Close())
	if s.lock != nil {
		err = errors.Join(err, s.lock.Unlock())
	}
	return err
}

// Health is how a store is doing.
type Health struct {
	// Err is why appends fail now; nil if they do not.
	Err error
	// End is the position of the last durable transaction, Promised how much of
	// it the mark covers, Snapshot how much of it the last snapshot holds.
	End, Promised, Snapshot uint64
	// Streams is how many there are, HeadBytes the memory for their heads.
	Streams   int
	HeadBytes int64
	// Scrubbed is how far the log was read again and found good, in this round.
	Scrubbed uint64
	// Damage is what the last read of the whole log found first, or nil.
	Damage error
}

// Health tells how the store is doing.
func (s *Store) Health() Health {
	h := Health{
		Err: s.state.err(), End: s.End(), Promised: s.mark.promised(), Snapshot: s.snapshotted.Load(),
		Streams: s.heads.Len(), HeadBytes: s.heads.Bytes(),
	}
	h.Scrubbed, h.Damage = s.scrubbed.get()
	return h
}

// promise puts into the mark all that is durable.
func (s *Store) promise() error {
	err := s.mark.promise(s.End())
	var failed *syncError
	if errors.As(err, &failed) {
		s.die(err)
	}
	return err
}

// die ends the store: nothing it holds can be relied on any more.
func (s *Store) die(cause error) {
	if s.state.die(cause) {
		s.options.Logger.Error("the log is dead", "reason", cause)
		if s.options.Fatal != nil {
			s.options.Fatal(fmt.Errorf("log: %w", cause))
		}
	}
}

// state is whether a store serves.
type state struct {
	mu      sync.Mutex
	closed  bool
	failure error // for ever
	refusal error // for now
}

// dead is the failure that ended the store, or nil.
func (s *state) dead() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failure
}

// serving is nil, or why no call is answered.
func (s *state) serving() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return eventstream.ErrClosed
	case s.failure != nil:
		return fmt.Errorf("%w: the log failed: %w", eventstream.ErrUnavailable, s.failure)
	}
	return nil
}

// err is nil, or why appends fail.
func (s *state) err() error {
	if err := s.serving(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refusal
}

func (s *state) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
}

func (s *state) refuse(cause error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refusal = cause
}

// die tells true the first time.
func (s *state) die(cause error) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failure != nil {
		return false
	}
	s.failure = cause
	return true
}
