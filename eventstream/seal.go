package eventstream

import (
	"slices"
	"strings"
	"time"
)

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
	room := make([]Position, 0, len(all)*(len(all)-1))
	for i := range commits {
		start := len(room)
		for _, position := range all {
			if position.Stream != commits[i].Stream {
				room = append(room, position)
			}
		}
		commits[i].Siblings = room[start:len(room):len(room)]
	}
}
