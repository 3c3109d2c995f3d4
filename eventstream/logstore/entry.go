package logstore

import (
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// maxTransaction is the longest transaction, encoded.
const maxTransaction = 4 << 20

// address is where an entry stands: the number of its segment, and its offset
// there in units of 8 bytes. It fits 48 bits; zero is nowhere.
type address uint64

func addressOf(segment uint32, offset int64) address {
	return address(segment)<<24 | address(offset/8)
}

func (a address) segment() uint32 { return uint32(a >> 24) }
func (a address) offset() int64   { return int64(a&(1<<24-1)) * 8 }

// encodedBound is at least how long the transaction is when encoded.
func encodedBound(tx *eventstream.Transaction) int {
	const perCommit = 6*binary.MaxVarintLen64 + 2*len(eventstream.Hash{})
	size := len(tx.Command) + 3*binary.MaxVarintLen64 + len(tx.Actor) + len(tx.Correlation)
	for i := range tx.Entries {
		if entry := &tx.Entries[i]; entry.Data != nil {
			size += perCommit + len(entry.Stream) + len(entry.Data)
		}
	}
	return size
}

// appendTransaction encodes the commits of one transaction; before has for each
// the address of its stream's previous commit.
//
//	command      16 bytes
//	actor        length and bytes
//	correlation  length and bytes
//	count        of commits
//	for each commit:
//	  stream     length and bytes
//	  seq
//	  time       milliseconds since 1970, UTC
//	  before     address of the stream's previous commit, 0 if there is none
//	  previous   32 bytes, only if seq > 1
//	  hash       32 bytes
//	  length     of the data
//	for each commit:
//	  data
//
// Numbers and lengths are uvarints, time is a varint.
func appendTransaction(buffer []byte, commits []eventstream.Commit, before []address) []byte {
	first := &commits[0]
	buffer = append(buffer, first.Command[:]...)
	buffer = appendText(buffer, first.Actor)
	buffer = appendText(buffer, first.Correlation)
	buffer = binary.AppendUvarint(buffer, uint64(len(commits)))
	for i := range commits {
		commit := &commits[i]
		buffer = appendText(buffer, string(commit.Stream))
		buffer = binary.AppendUvarint(buffer, uint64(commit.Seq))
		buffer = binary.AppendVarint(buffer, commit.Time.UnixMilli())
		buffer = binary.AppendUvarint(buffer, uint64(before[i]))
		if commit.Seq > 1 {
			buffer = append(buffer, commit.Previous[:]...)
		}
		buffer = append(buffer, commit.Hash[:]...)
		buffer = binary.AppendUvarint(buffer, uint64(len(commit.Data)))
	}
	for i := range commits {
		buffer = append(buffer, commits[i].Data...)
	}
	return buffer
}

func appendText(buffer []byte, text string) []byte {
	return append(binary.AppendUvarint(buffer, uint64(len(text))), text...)
}

// errMalformed: an entry whose checksum holds is not a transaction. Its writer
// was not this package, or a newer one.
var errMalformed = errors.New("entry is not a transaction")

// transactionReader reads an encoded transaction from front to back, without
// allocating: newTransactionReader, then next for each commit.
type transactionReader struct {
	rest               []byte
	command            uuid.UUID
	actor, correlation []byte
	left, data         uint64 // commits still to come, data so far
	bad                bool
}

// storedCommit is a commit as it is encoded, without its data.
type storedCommit struct {
	stream         []byte
	seq            uint64
	time           int64
	before         address
	previous, hash []byte
	from, to       uint64 // the data's place among all data
}

func newTransactionReader(payload []byte) transactionReader {
	r := transactionReader{rest: payload}
	copy(r.command[:], r.bytes(uint64(len(r.command))))
	r.actor = r.bytes(r.uvarint())
	r.correlation = r.bytes(r.uvarint())
	r.left = r.uvarint()
	r.bad = r.bad || r.left == 0 || r.left > eventstream.MaxEntries
	return r
}

// next reads a commit; it tells false after the last one or if the transaction
// is malformed, which end distinguishes.
func (r *transactionReader) next(c *storedCommit) bool {
	if r.bad || r.left == 0 {
		return false
	}
	r.left--
	c.stream = r.bytes(r.uvarint())
	c.seq = r.uvarint()
	c.time = r.varint()
	c.before = address(r.uvarint())
	c.previous = nil
	if c.seq > 1 {
		c.previous = r.bytes(uint64(len(eventstream.Hash{})))
	}
	c.hash = r.bytes(uint64(len(eventstream.Hash{})))
	size := r.uvarint()
	c.from, c.to = r.data, r.data+size
	r.data = c.to
	r.bad = r.bad || len(c.stream) == 0 || c.seq == 0 || size > maxTransaction || (c.seq == 1) != (c.before == 0)
	return !r.bad
}

// end gives the data of all commits, after next has told false.
func (r *transactionReader) end() ([]byte, error) {
	if r.bad || r.left > 0 || r.data != uint64(len(r.rest)) {
		return nil, errMalformed
	}
	return r.rest, nil
}

func (r *transactionReader) uvarint() uint64 {
	value, size := binary.Uvarint(r.rest)
	if size <= 0 {
		r.bad, r.rest = true, nil
		return 0
	}
	r.rest = r.rest[size:]
	return value
}

func (r *transactionReader) varint() int64 {
	value, size := binary.Varint(r.rest)
	if size <= 0 {
		r.bad, r.rest = true, nil
		return 0
	}
	r.rest = r.rest[size:]
	return value
}

func (r *transactionReader) bytes(count uint64) []byte {
	if count > uint64(len(r.rest)) {
		r.bad, r.rest = true, nil
		return nil
	}
	taken := r.rest[:count]
	r.rest = r.rest[count:]
	return taken
}

// decodeTransaction gives the commits of an entry, which share nothing with the
// payload. Hashes are as stored, not checked.
func decodeTransaction(payload []byte, position uint64) ([]eventstream.Commit, error) {
	reader := newTransactionReader(payload)
	commits := make([]eventstream.Commit, 0, min(reader.left, eventstream.MaxEntries))
	actor, correlation := string(reader.actor), string(reader.correlation)
	var ends [eventstream.MaxEntries]uint64
	for stored := (storedCommit{}); reader.next(&stored); {
		ends[len(commits)] = stored.to
		commits = append(commits, eventstream.Commit{
			Stream: eventstream.StreamID(stored.stream), Seq: eventstream.Seq(stored.seq),
			Time: time.UnixMilli(stored.time).UTC(), Command: reader.command, Actor: actor, Correlation: correlation,
			Hash: eventstream.Hash(stored.hash), Log: position,
		})
		if stored.previous != nil {
			commits[len(commits)-1].Previous = eventstream.Hash(stored.previous)
		}
	}
	all, err := reader.end()
	if err != nil {
		return nil, err
	}
	data, from := append(make([]byte, 0, len(all)), all...), uint64(0)
	for i := range commits {
		commits[i].Data = data[from:ends[i]:ends[i]]
		from = ends[i]
	}
	eventstream.Link(commits)
	return commits, nil
}

// decodeCommit gives the commit of one stream from an entry, and the address of
// the one before it. The commit shares nothing with the payload.
func decodeCommit(payload []byte, position uint64, stream eventstream.StreamID) (commit eventstream.Commit, before address, found bool, err error) {
	reader := newTransactionReader(payload)
	siblings := make([]eventstream.Position, 0, min(reader.left, eventstream.MaxEntries))
	var own storedCommit
	for stored := (storedCommit{}); reader.next(&stored); {
		if string(stored.stream) == string(stream) {
			own, found = stored, true
			continue
		}
		siblings = append(siblings, eventstream.Position{Stream: eventstream.StreamID(stored.stream), Seq: eventstream.Seq(stored.seq)})
	}
	all, err := reader.end()
	if err != nil || !found {
		return eventstream.Commit{}, 0, false, err
	}
	commit = eventstream.Commit{
		Stream: stream, Seq: eventstream.Seq(own.seq), Time: time.UnixMilli(own.time).UTC(),
		Command: reader.command, Actor: string(reader.actor), Correlation: string(reader.correlation),
		Data: append(make([]byte, 0, own.to-own.from), all[own.from:own.to]...),
		Hash: eventstream.Hash(own.hash), Log: position,
	}
	if own.previous != nil {
		commit.Previous = eventstream.Hash(own.previous)
	}
	if len(siblings) > 0 {
		slices.SortFunc(siblings, func(a, b eventstream.Position) int { return strings.Compare(string(a.Stream), string(b.Stream)) })
		commit.Siblings = siblings
	}
	return commit, own.before, true, nil
}
