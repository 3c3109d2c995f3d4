package audit

import (
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"slices"
	"strconv"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// streamKey stands for a stream's id in 128 bits, so that the tips of millions of
// streams hold no pointers.
type streamKey [16]byte

var keySeeds = [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}

func keyOf(stream eventstream.StreamID) (key streamKey) {
	binary.BigEndian.PutUint64(key[:8], maphash.String(keySeeds[0], string(stream)))
	binary.BigEndian.PutUint64(key[8:], maphash.String(keySeeds[1], string(stream)))
	return key
}

// tip is the last commit of a stream that was seen.
type tip struct {
	seq  eventstream.Seq
	time int64
	hash eventstream.Hash
}

// examine finds out what a transaction tells by itself.
func (a *audit) examine(tx *transaction) {
	tx.facts, tx.first = make([][]domain.Event, len(tx.commits)), make([]entity, len(tx.commits))
	for i := range tx.commits {
		commit := &tx.commits[i]
		if tx.facts[i] = tx.read(commit); tx.facts[i] != nil && commit.Seq == 1 {
			tx.first[i] = a.firstFold(commit, tx.facts[i])
		}
	}
	tx.compareSiblings()
	tx.compareListed()
}

// read gives a commit's events, nil if they cannot be read.
func (tx *transaction) read(commit *eventstream.Commit) []domain.Event {
	if commit.ComputeHash() != commit.Hash {
		tx.find(commit, notItsHash)
	}
	events, err := domain.DecodeEvents(commit.Data)
	if err != nil {
		tx.find(commit, "the events cannot be read: "+err.Error())
		return nil
	}
	return events
}

const notItsHash = "the commit is not what its hash says"

func (tx *transaction) find(commit *eventstream.Commit, what string) {
	tx.findings = append(tx.findings, Finding{Part: Streams, Stream: commit.Stream, Seq: commit.Seq, Log: commit.Log, What: what})
}

// compareSiblings demands that each commit names exactly the others.
func (tx *transaction) compareSiblings() {
	for i := range tx.commits {
		commit := &tx.commits[i]
		for _, sibling := range commit.Siblings {
			if !slices.ContainsFunc(tx.commits, func(c eventstream.Commit) bool { return c.Position() == sibling }) {
				tx.find(commit, fmt.Sprintf("its sibling %s@%d is missing", sibling.Stream, sibling.Seq))
			}
		}
		for j := range tx.commits {
			if other := tx.commits[j].Position(); j != i && !slices.Contains(commit.Siblings, other) {
				tx.find(commit, fmt.Sprintf("does not name its sibling %s@%d", other.Stream, other.Seq))
			}
		}
	}
}

// follow moves a stream's tip to the commit and tells whether the commit came
// next; if not, that is reported once and the stream goes on from the commit.
func (a *audit) follow(commit *eventstream.Commit) bool {
	key := keyOf(commit.Stream)
	before := a.tips[key]
	follows := commit.Seq == before.seq+1
	switch {
	case !follows:
		a.find(commit, "does not follow "+number(before.seq)+", the last one before it")
	case commit.Previous != before.hash:
		a.find(commit, "is not chained to the hash of the one before it")
	case commit.Time.UnixMilli() < before.time:
		a.find(commit, "is earlier than the one before it")
	}
	a.tips[key] = tip{seq: commit.Seq, time: commit.Time.UnixMilli(), hash: commit.Hash}
	return follows
}

func (a *audit) find(commit *eventstream.Commit, what string) {
	a.reporter.add(Finding{Part: Streams, Stream: commit.Stream, Seq: commit.Seq, Log: commit.Log, What: what})
}

func number[N ~uint64](n N) string { return strconv.FormatUint(uint64(n), 10) }
