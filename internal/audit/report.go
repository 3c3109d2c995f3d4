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
	// Part is what is not as it must be.
	Part Part `json:"part"`
	// What is the difference between what is there and what must be.
	What string `json:"what"`
}

// Part is a part of what is audited.
type Part string

// The parts. A Position is of what is not where it must be, and gets there by itself
// where somebody runs it.
const (
	Streams   Part = "streams"
	Claims    Part = "claims"
	Nesting   Part = "nesting"
	Rows      Part = "rows"
	Lists     Part = "lists"
	Announced Part = "announced"
	Notices   Part = "notices"
	Marks     Part = "marks"
	Position  Part = "position"
	Documents Part = "documents"
	Closures  Part = "closure"
)

// Derived tells whether the part can be made again from the streams.
func (p Part) Derived() bool {
	switch p {
	case Rows, Lists, Announced, Notices, Marks, Documents, Closures:
		return true
	}
	return false
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
	// Documents is how many documents of search indexes were compared.
	Documents int `json:"documents"`
	// Edges is how many edges of closures were compared.
	Edges int `json:"edges"`
	// Notices is how many notices of the change feed were read.
	Notices int `json:"notices"`
	// Drift is how many findings there were, Parts how many of each part.
	Drift int          `json:"drift"`
	Parts map[Part]int `json:"parts,omitempty"`
}

// Derived is how many of the findings are of what can be made again.
func (r *Report) Derived() (count int) {
	for part, found := range r.Parts {
		if part.Derived() {
			count += found
		}
	}
	return count
}

// reporter counts findings and passes them on. It may be used concurrently.
type reporter struct {
	mu    sync.Mutex
	found func(Finding)
	count int
	parts map[Part]int
}

func (r *reporter) add(f Finding) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.count++
	if r.parts == nil {
		r.parts = map[Part]int{}
	}
	r.parts[f.Part]++
	if r.found != nil {
		r.found(f)
	}
}
