package eventstream

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
)

// Expect is what a transaction demands of a stream it names.
type Expect struct {
	mode expectation
	seq  Seq
}

type expectation uint8

const (
	invalidExpectation expectation = iota
	expectAny
	expectEmpty
	expectExists
	expectExact
)

// Any demands nothing.
func Any() Expect { return Expect{mode: expectAny} }

// Empty demands that the stream has no commit.
func Empty() Expect { return Expect{mode: expectEmpty} }

// Exists demands that the stream has a commit.
func Exists() Expect { return Expect{mode: expectExists} }

// Exactly demands that the stream's last commit has the number; 0 is Empty.
func Exactly(seq Seq) Expect {
	if seq == 0 {
		return Empty()
	}
	return Expect{mode: expectExact, seq: seq}
}

// Allows tells whether a stream whose last commit has the number meets the
// expectation.
func (e Expect) Allows(head Seq) bool {
	switch e.mode {
	case expectAny:
		return true
	case expectEmpty:
		return head == 0
	case expectExists:
		return head > 0
	case expectExact:
		return head == e.seq
	default:
		return false
	}
}

// Seq is the last number that the expectation has seen: what came after it beat
// the transaction.
func (e Expect) Seq() Seq { return e.seq }

// pins tells whether the expectation fixes the number of the next commit.
func (e Expect) pins() bool { return e.mode == expectEmpty || e.mode == expectExact }

// String says the expectation in a word or two.
func (e Expect) String() string {
	return [...]string{"nothing", "any", "empty", "exists", fmt.Sprintf("exactly %d", e.seq)}[e.mode]
}

// Entry is what a transaction demands of one stream, and writes to it.
type Entry struct {
	Stream StreamID
	Expect Expect
	// Data is what the commit will say. Nil writes nothing: the entry is only a
	// condition.
	Data []byte
}

// Transaction is what one command writes, all or nothing.
type Transaction struct {
	// Command identifies the attempt: appending the same transaction again, with
	// the same command, finds that it was written.
	Command            uuid.UUID
	Actor, Correlation string
	Entries            []Entry
}

// Limits of a transaction, the same for every backend.
const (
	MaxEntries     = 100
	MaxData        = 64 << 10 // bytes a commit
	MaxTransaction = 1 << 20  // bytes of all its commits together
	MaxActor       = 256      // bytes, actor and correlation each
)

// Check tells whether the transaction is one that a store may be given: 1 to
// MaxEntries entries, no stream twice, at least one that writes and at least one
// that pins a number, nothing over its limit.
func (tx *Transaction) Check() error {
	if len(tx.Entries) == 0 || len(tx.Entries) > MaxEntries {
		return fmt.Errorf("%w: %d entries, not 1 to %d", ErrInvalid, len(tx.Entries), MaxEntries)
	}
	if tx.Command == uuid.Nil || len(tx.Actor) > MaxActor || len(tx.Correlation) > MaxActor || !utf8.ValidString(tx.Actor) || !utf8.ValidString(tx.Correlation) {
		return fmt.Errorf("%w: no command id, or actor or correlation too long or not UTF-8", ErrInvalid)
	}
	writes, pins, size := false, false, 0
	seen := make(map[StreamID]struct{}, len(tx.Entries))
	for _, entry := range tx.Entries {
		if err := entry.check(); err != nil {
			return err
		}
		if _, twice := seen[entry.Stream]; twice {
			return fmt.Errorf("%w: a stream of kind %s is named twice", ErrInvalid, entry.Stream.Kind())
		}
		seen[entry.Stream] = struct{}{}
		size += len(entry.Data)
		writes = writes || entry.Data != nil
		pins = pins || entry.Expect.pins() && entry.Data != nil
	}
	if size > MaxTransaction {
		return fmt.Errorf("%w: %d bytes in all, more than %d", ErrTooLarge, size, MaxTransaction)
	}
	if !writes || !pins {
		return fmt.Errorf("%w: nothing is written, or nothing that is written has a fixed number", ErrInvalid)
	}
	return nil
}

func (e *Entry) check() error {
	switch {
	case e.Stream == "" || len(e.Stream) > MaxStreamID || !utf8.ValidString(string(e.Stream)):
		return fmt.Errorf("%w: stream ids are 1 to %d bytes of UTF-8", ErrInvalid, MaxStreamID)
	case e.Expect.mode == invalidExpectation:
		return fmt.Errorf("%w: an entry of kind %s expects nothing", ErrInvalid, e.Stream.Kind())
	case len(e.Data) > MaxData:
		return fmt.Errorf("%w: a commit of kind %s has %d bytes, more than %d", ErrTooLarge, e.Stream.Kind(), len(e.Data), MaxData)
	}
	return nil
}

// Head is what a store must know of a stream to append to it: its last commit's
// number, time and hash; the zero Head for an empty stream.
type Head struct {
	Seq  Seq
	Time time.Time
	Hash Hash
}

// Seal turns a transaction into the commits it would make on top of the heads,
// one for each entry and in that order: numbered, timed, linked to each other
// and hashed. It is for backends, which have checked the expectations. The
// commits' data is the entries' own.
func Seal(tx *Transaction, heads []Head, now time.Time) []Commit {
	commits := make([]Commit, 0, len(tx.Entries))
	for i, entry := range tx.Entries {
		if entry.Data == nil {
			continue
		}
		at := now
		if heads[i].Time.After(at) {
			at = heads[i].Time
		}
		commits = append(commits, Commit{
			Stream: entry.Stream, Seq: heads[i].Seq + 1, Time: time.UnixMilli(at.UnixMilli()).UTC(),
			Command: tx.Command, Actor: tx.Actor, Correlation: tx.Correlation,
			Data: entry.Data, Previous: heads[i].Hash,
		})
	}
	Link(commits)
	for i := range commits {
		commits[i].Hash = commits[i].ComputeHash()
	}
	return commits
}

// Link sets the siblings of the commits of one transaction: each names all the
// others, by stream.
func Link(commits []Commit) {
	if len(commits) < 2 {
		return
	}
	all := make([]Position, len(commits))
	for i := range commits {
		all[i] = commits[i].Position()
	}
	slices.SortFunc(all, func(a, b Position) int { return strings.Compare(string(a.Stream), string(b.Stream)) })
	for i := range commits {
		own := commits[i].Stream
		siblings := make([]Position, 0, len(all)-1)
		for _, position := range all {
			if position.Stream != own {
				siblings = append(siblings, position)
			}
		}
		commits[i].Siblings = siblings
	}
}
