package dynamostore

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/internal/awshttp"
)

// Store is an eventstream.Store on a table that Create made. Any number of
// processes may have it open.
type Store struct {
	client  *dynamodb.Client
	table   string
	options Options
	heads   *heads
	lanes   lanes
	slices  atomic.Int64 // of the table's index; zero is not known yet

	life   context.Context // of what outlives a caller; ends with Close
	end    context.CancelFunc
	mu     sync.RWMutex // held for reading while a call begins
	closed bool
	calls  sync.WaitGroup // appends under way, and the drivers of lanes
}

// Options adjust a Store. The zero value is good.
type Options struct {
	// Now is the clock; time.Now if nil.
	Now func() time.Time
	// Heads is how many streams' heads are remembered: 65,536 if zero, none if
	// negative.
	Heads int
	// Attempts is how often an append or a read is tried at most while the storage
	// throttles or others are first: 30 if zero.
	Attempts int
	// Backoff is the longest pause before the second attempt, doubled for each
	// further one up to a second; 5 ms if zero. Pauses are random between nothing
	// and that.
	Backoff time.Duration
	// OnRetry is told of every further attempt and its cause. Nil tells nobody.
	OnRetry func(cause error)
}

// New makes a store of a table. The client's own retries are not used. Nil
// options are the zero Options. Nothing is sent before the first call, which also
// asks how the table was made.
func New(client *dynamodb.Client, table string, options *Options) *Store {
	s := &Store{table: table}
	s.client = dynamodb.New(client.Options(), func(o *dynamodb.Options) {
		o.Retryer, o.HTTPClient = aws.NopRetryer{}, awshttp.Steady(o.HTTPClient)
	})
	if options != nil {
		s.options = *options
	}
	if s.options.Now == nil {
		s.options.Now = time.Now
	}
	if s.options.Heads == 0 {
		s.options.Heads = 1 << 16
	}
	if s.options.Attempts == 0 {
		s.options.Attempts = 30
	}
	if s.options.Backoff == 0 {
		s.options.Backoff = 5 * time.Millisecond
	}
	s.lanes.queues = map[eventstream.StreamID][]*passenger{}
	s.heads = newHeads(s.options.Heads)
	s.life, s.end = context.WithCancel(context.Background())
	return s
}

// begin lets a call in unless the store is closed; the caller must call
// calls.Done.
func (s *Store) begin() error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return eventstream.ErrClosed
	}
	s.calls.Add(1)
	return nil
}

// enter tells whether a reader may go on.
func (s *Store) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return eventstream.ErrClosed
	}
	return nil
}

// Close implements eventstream.Store. The client is the caller's.
func (s *Store) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.calls.Wait()
	s.end()
	return nil
}
