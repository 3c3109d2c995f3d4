package audit

import (
	"fmt"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// learn adds what a commit says to what is kept of its stream; whole tells
// whether it came next and can be read. Events that the stream must not have are
// reported.
func (a *audit) learn(tx *transaction, i int, whole bool) {
	commit, events := &tx.commits[i], tx.facts[i]
	switch commit.Stream.Kind() {
	case eventstream.UserKind:
		a.learnEntity(a.users, tx, i, whole)
	case eventstream.GroupKind:
		a.learnEntity(a.groups, tx, i, whole)
	case eventstream.UsersKind:
		a.compareShard(commit, events, a.userShards)
	case eventstream.GroupsKind:
		a.compareShard(commit, events, a.groupShards)
	case eventstream.MemberKind:
		a.learnEdge(commit, events, whole)
	case eventstream.NestingKind:
		a.learnNesting(commit, events)
	case eventstream.ClaimKind:
		a.learnClaim(commit, events)
	case eventstream.KeyKind:
		a.learnKey(commit, events)
	case eventstream.RequestKind:
		a.learnOutcome(commit, events)
	case eventstream.StoreKind:
		a.learnStore(commit, events)
	default:
		a.find(commit, "a stream of a kind that this build does not know")
	}
}

// learnEntity notes a commit of a user or group. The first one is folded already.
func (a *audit) learnEntity(into map[uuid.UUID]entity, tx *transaction, i int, whole bool) {
	commit := &tx.commits[i]
	id, is := entityOf(commit.Stream)
	if !is {
		a.find(commit, "the stream's id is malformed")
		return
	}
	known, again := into[id]
	if !again {
		known = tx.first[i]
		if known.broken {
			a.find(commit, "cannot be folded")
		}
	}
	known.seq, known.changed = uint64(commit.Seq), again || commit.Seq > 1
	known.broken = known.broken || !whole
	into[id] = known
}

func (a *audit) learnKey(commit *eventstream.Commit, events []domain.Event) {
	ids := commit.Stream.UUIDs()
	if len(ids) != 1 {
		a.find(commit, "the stream's id is malformed")
		return
	}
	key := a.keys[ids[0]]
	if key == nil {
		key = &domain.APIKey{ID: domain.KeyID{UUID: ids[0]}}
		a.keys[ids[0]] = key
	}
	if err := key.Apply(uint64(commit.Seq), commit.Time, events); err != nil {
		a.find(commit, "cannot be folded: "+err.Error())
	}
}

// learnOutcome notes which commits a finished request shows.
func (a *audit) learnOutcome(commit *eventstream.Commit, events []domain.Event) {
	for _, event := range events {
		outcome, is := event.(domain.SetOutcome)
		if !is {
			a.find(commit, "a request has no "+domain.TypeOf(event))
			continue
		}
		if outcome.Stream != "" {
			a.shown = append(a.shown, showing{commit, outcome.Stream, outcome.Seq})
		}
	}
}

// showing is what a finished request shows.
type showing struct {
	by     *eventstream.Commit
	stream string
	seq    uint64
}

// compareShown demands that the commits that the transaction's requests show
// are there, in it or before it.
func (a *audit) compareShown() {
	for _, s := range a.shown {
		if uint64(a.tips[keyOf(eventstream.StreamID(s.stream))].seq) < s.seq {
			a.find(s.by, fmt.Sprintf("shows %s@%d, which is not there", s.stream, s.seq))
		}
	}
	a.shown = a.shown[:0]
}

func (a *audit) learnStore(commit *eventstream.Commit, events []domain.Event) {
	for _, event := range events {
		switch e := event.(type) {
		case domain.SetShards:
			a.userShards, a.groupShards = e.Users, e.Groups
		case domain.SetClaimKeyID:
			if e.ID != a.subject.Secret.ID() {
				a.find(commit, fmt.Sprintf("unique values are hashed under the secret %s, not under %s, which was given", e.ID, a.subject.Secret.ID()))
			}
		case domain.SetEpoch, domain.SetClosed:
		default:
			a.find(commit, "a store has no "+domain.TypeOf(event))
		}
	}
}
