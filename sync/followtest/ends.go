package followtest

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// testOneAtATime removes a group that has members and is one, and a user, while
// followers are told one thing at a time, each by a follower that begins where the
// last one was.
func testOneAtATime(t *testing.T, fresh fresh) {
	p := newPlay(t, t, fresh)
	user := func(i int) eventstream.StreamID { return eventstream.UserStream(p.w.users[i]) }
	group := func(i int) eventstream.StreamID { return eventstream.GroupStream(p.w.groups[i]) }
	member := func(i int, id uuid.UUID) eventstream.StreamID { return eventstream.MemberStream(p.w.groups[i], id) }
	for i := range 3 {
		p.set(user(i), domain.SetActive{Active: true})
		p.set(group(i), domain.SetGroupName{Name: p.w.name()})
	}
	for i := range 3 {
		for k := range 3 {
			p.set(member(i, p.w.users[k]), domain.SetMember{Present: true, Kind: domain.UserMember})
		}
	}
	p.set(member(1, p.w.groups[0]), domain.SetMember{Present: true, Kind: domain.GroupMember})
	p.set(member(0, p.w.groups[2]), domain.SetMember{Present: true, Kind: domain.GroupMember})
	p.tellOneByOne()
	p.set(group(0), domain.SetRemoved{Removed: true})
	p.set(user(1), domain.SetRemoved{Removed: true})
	p.set(user(2), domain.SetActive{Active: false})
	p.tellOneByOne()
	want := p.directory(t)
	for i, f := range p.followers {
		if diff := cmp.Diff(filtered(want, f.filter), f.states); diff != "" {
			t.Errorf("follower %d, filter %v (-directory +follower):\n%s", i, f.filter, diff)
		}
	}
}

// set writes one event and has it carried.
func (p *play) set(stream eventstream.StreamID, event domain.Event) {
	p.t.Helper()
	data, err := domain.EncodeEvents([]domain.Event{event})
	if err != nil {
		p.t.Fatal(err)
	}
	commits, err := p.w.streams.Append(p.t.Context(), eventstream.Transaction{
		Command: uuid.New(), Actor: "followtest",
		Entries: []eventstream.Entry{{Stream: stream, Expect: eventstream.Exactly(p.w.heads[stream]), Data: data}},
	})
	if err != nil {
		p.t.Fatal(err)
	}
	p.w.heads[stream] = commits[0].Seq
	p.w.told = append(p.w.told, commits[0].Position())
	if err := p.server.Carry(p.t.Context(), p.w.told[len(p.w.told)-1:]); err != nil {
		p.t.Fatal(err)
	}
}

func (p *play) tellOneByOne() {
	p.t.Helper()
	for _, f := range p.followers {
		for steps, told := 0, false; !told; steps++ {
			if steps > 1000 {
				p.t.Fatal("it is never told everything")
			}
			follower, err := p.reader.Follow(f.position, f.filter, epoch)
			if err != nil {
				p.t.Fatal(err)
			}
			page, err := follower.Next(p.t.Context(), nil, 1)
			if err != nil {
				p.t.Fatal(err)
			}
			told = follower.Told() && len(page) == 0
			if f.position, err = follower.Position(); err != nil {
				p.t.Fatal(err)
			}
			if len(page) > 0 {
				f.apply(&page[0])
				text, err := follower.AppendPosition(nil, &page[0])
				if err != nil {
					p.t.Fatal(err)
				}
				f.position = string(text)
			}
		}
	}
}
