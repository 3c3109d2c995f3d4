package audit

import (
	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// folding is the fold of the user or group whose stream a scan is in.
type folding struct {
	is     bool
	id     uuid.UUID
	stream eventstream.StreamID
	user   domain.User
	group  domain.Group
	seq    uint64
	broken bool
	// torn tells that the scan was in the stream before: it is folded afterwards.
	torn bool
}

func (a *audit) begin(stream eventstream.StreamID, again bool) folding {
	f := folding{stream: stream, torn: again}
	f.id, f.is = entityOf(stream)
	f.user.ID.UUID, f.group.ID.UUID = f.id, f.id
	return f
}

func (f *folding) add(a *audit, commit *eventstream.Commit, events []domain.Event, whole bool) {
	if !f.is {
		a.find(commit, "the stream's id is malformed")
		return
	}
	f.seq = uint64(commit.Seq)
	f.broken = f.broken || !whole
	if f.broken || f.torn {
		return
	}
	apply := f.group.Apply
	if commit.Stream.Kind() == eventstream.UserKind {
		apply = f.user.Apply
	}
	if err := apply(f.seq, commit.Time, events); err != nil {
		a.find(commit, "cannot be folded: "+err.Error())
		f.broken = true
	}
}

// end keeps what was folded.
func (f *folding) end(a *audit) {
	if !f.is || f.seq == 0 {
		return
	}
	into, e := a.groups, a.ofGroup(&f.group, nil)
	if f.stream.Kind() == eventstream.UserKind {
		into, e = a.users, a.ofUser(&f.user, nil)
	}
	e.seq, e.broken, e.changed = f.seq, f.broken || into[f.id].broken, f.torn
	into[f.id] = e
}
