package audit

import (
	"fmt"
	"sync"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// Finding is one thing that is not as it must be. It holds no personal data:
// claims go by their hashed names.
type Finding struct {
	// Stream is where it was found, empty if it is about the log as a whole, and
	// Seq the commit, 0 if it is about the stream as a whole.
	Stream eventstream.StreamID `json:"stream,omitempty"`
	Seq    eventstream.Seq      `json:"seq,omitempty"`
	// Log is the position of the transaction, 0 if it is about none.
	Log uint64 `json:"log,omitempty"`
	// What is the difference between what is there and what must be.
	What string `json:"what"`
}

// String is the finding on one line.
func (f Finding) String() string {
	where := string(f.Stream)
	if where == "" && f.Log == 0 {
		return f.What
	}
	if where == "" {
		where = "log"
	}
	if f.Seq > 0 {
		where = fmt.Sprintf("%s@%d", where, f.Seq)
	}
	if f.Log > 0 {
		where = fmt.Sprintf("%s (log position %d)", where, f.Log)
	}
	return where + ": " + f.What
}

// Report is what an audit went over and found.
type Report struct {
	// End is the log position up to which everything was checked.
	End          uint64 `json:"end"`
	Transactions int    `json:"transactions"`
	Commits      int    `json:"commits"`
	Streams      int    `json:"streams"`
	Users        int    `json:"users"`
	Groups       int    `json:"groups"`
	Memberships  int    `json:"memberships"`
	Claims       int    `json:"claims"`
	Keys         int    `json:"keys"`
	// Rows is how many rows of views were compared.
	Rows int `json:"rows"`
	// Drift is how many findings there were.
	Drift int `json:"drift"`
}

// reporter counts findings and passes them on. It may be used concurrently.
type reporter struct {
	mu    sync.Mutex
	found func(Finding)
	count int
}

func (r *reporter) add(f Finding) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.count++
	if r.found != nil {
		r.found(f)
	}
}
