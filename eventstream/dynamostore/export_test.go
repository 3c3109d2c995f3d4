package dynamostore

import "github.com/seed5b6a70b4/identity/eventstream"

// Waiting is how many appends wait for their turn on a stream.
func (s *Store) Waiting(stream eventstream.StreamID) int {
	s.lanes.mu.Lock()
	defer s.lanes.mu.Unlock()
	return len(s.lanes.queues[stream])
}
