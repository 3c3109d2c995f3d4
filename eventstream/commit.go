package eventstream

import (
	"crypto/sha256"
	"encoding/binary"
	"time"

	"github.com/google/uuid"
)

// Hash is the SHA-256 of a commit and, through Commit.Previous, of all before it
// in its stream.
type Hash [sha256.Size]byte

// Position names a commit: a stream and a number in it.
type Position struct {
	Stream StreamID
	Seq    Seq
}

// Commit is what one transaction wrote to one stream. It never changes.
type Commit struct {
	Stream StreamID
	Seq    Seq
	// Time is when it was written, to the millisecond, in UTC; never before the
	// stream's previous commit. It orders nothing between streams.
	Time time.Time
	// Command is what wrote it: a transaction that finds its own command in the
	// commit that beat it has been written already.
	Command uuid.UUID
	// Actor is who asked, Correlation the trace it belongs to. Neither is empty
	// for commits of the directory; the store does not look.
	Actor, Correlation string
	// Siblings are the other commits of the transaction, by stream.
	Siblings []Position
	// Data is what the commit says. Callers must not change it.
	Data []byte
	// Previous is the hash of the stream's previous commit, zero for the first.
	Previous Hash
	// Hash covers all of the above.
	Hash Hash
	// Log is the position of the transaction in a store that numbers them from
	// 1 without gaps, else 0. It is not covered by the hash: a replica has its own.
	Log uint64
}

// Position is the commit's own.
func (c *Commit) Position() Position { return Position{c.Stream, c.Seq} }

// ComputeHash gives the hash that the commit must have: SHA-256 over Previous
// and the canonical form of the commit, in which each field is preceded by its
// length.
func (c *Commit) ComputeHash() Hash {
	var room [2048]byte
	buffer := append(room[:0], c.Previous[:]...)
	buffer = appendText(buffer, string(c.Stream))
	buffer = binary.AppendUvarint(buffer, uint64(c.Seq))
	buffer = binary.AppendVarint(buffer, c.Time.UnixMilli())
	buffer = append(buffer, c.Command[:]...)
	buffer = appendText(buffer, c.Actor)
	buffer = appendText(buffer, c.Correlation)
	buffer = binary.AppendUvarint(buffer, uint64(len(c.Siblings)))
	for _, sibling := range c.Siblings {
		buffer = appendText(buffer, string(sibling.Stream))
		buffer = binary.AppendUvarint(buffer, uint64(sibling.Seq))
	}
	buffer = binary.AppendUvarint(buffer, uint64(len(c.Data)))
	return sha256.Sum256(append(buffer, c.Data...))
}

func appendText(buffer []byte, text string) []byte {
	return append(binary.AppendUvarint(buffer, uint64(len(text))), text...)
}
