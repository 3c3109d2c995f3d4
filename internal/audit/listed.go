package audit

import (
	"fmt"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// listing is a directory fact, and whose.
type listing struct {
	of   uuid.UUID
	seq  uint64
	fact domain.Event
}

// compareListed demands that the directory facts of the transaction's entities
// are those that its users/{n} and groups/{n} list.
func (tx *transaction) compareListed() {
	unlisted := map[listing]*eventstream.Commit{}
	for i := range tx.commits {
		if of, is := entityOf(tx.commits[i].Stream); is {
			for _, event := range tx.facts[i] {
				if directoryFact(event) {
					unlisted[listing{of, uint64(tx.commits[i].Seq), event}] = &tx.commits[i]
				}
			}
		}
	}
	for i := range tx.commits {
		for _, event := range tx.facts[i] {
			listed, is := event.(domain.Listed)
			if !is {
				continue
			}
			fact := listing{listed.Of, listed.Seq, listed.Fact}
			if _, found := unlisted[fact]; !found {
				tx.find(&tx.commits[i], fmt.Sprintf("lists a %s of %s@%d that is not there", domain.TypeOf(listed), listed.Of, listed.Seq))
			}
			delete(unlisted, fact)
		}
	}
	for fact, commit := range unlisted {
		tx.find(commit, domain.TypeOf(fact.fact)+" is not listed in the directory stream")
	}
}

// entityOf gives the id of the user or group whose own stream it is.
func entityOf(stream eventstream.StreamID) (uuid.UUID, bool) {
	switch stream.Kind() {
	case eventstream.UserKind, eventstream.GroupKind:
		if ids := stream.UUIDs(); len(ids) == 1 {
			return ids[0], true
		}
	}
	return uuid.Nil, false
}

// directoryFact tells whether the directory streams hold a copy of the event.
func directoryFact(event domain.Event) bool {
	switch event.(type) {
	case domain.SetUsername, domain.SetEmail, domain.SetActive, domain.SetGroupName, domain.SetRemoved:
		return true
	default:
		return false
	}
}

// compareShard demands that the commit's entities are listed in the right shard.
func (a *audit) compareShard(commit *eventstream.Commit, events []domain.Event, shards int) {
	shard, err := commit.Stream.Shard()
	if err != nil {
		a.find(commit, "the stream has no shard")
		return
	}
	for _, event := range events {
		listed, is := event.(domain.Listed)
		switch {
		case !is:
			a.find(commit, "holds a "+domain.TypeOf(event)+" of nobody")
		case shards > 0 && eventstream.ShardOf(listed.Of, shards) != shard:
			a.find(commit, fmt.Sprintf("lists %s, which belongs to shard %d", listed.Of, eventstream.ShardOf(listed.Of, shards)))
		}
	}
}
