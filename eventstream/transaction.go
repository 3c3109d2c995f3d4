package eventstream

import (
	"fmt"
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
	for i := range tx.Entries {
		entry := &tx.Entries[i]
		if err := entry.check(); err != nil {
			return err
		}
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
	return tx.checkTwice()
}

// checkTwice refuses a stream that is named twice. Most transactions have so few
// streams that comparing all of them is cheaper than a map.
func (tx *Transaction) checkTwice() error {
	if len(tx.Entries) <= 12 {
		for i := range tx.Entries {
			for k := range i {
				if tx.Entries[i].Stream == tx.Entries[k].Stream {
					return errTwice(tx.Entries[i].Stream)
				}
			}
		}
		return nil
	}
	seen := make(map[StreamID]struct{}, len(tx.Entries))
	for _, entry := range tx.Entries {
		if _, twice := seen[entry.Stream]; twice {
			return errTwice(entry.Stream)
		}
		seen[entry.Stream] = struct{}{}
	}
	return nil
}

func errTwice(stream StreamID) error {
	return fmt.Errorf("%w: a stream of kind %s is named twice", ErrInvalid, stream.Kind())
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
