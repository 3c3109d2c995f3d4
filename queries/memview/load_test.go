package memview

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// FuzzLoad holds reading a snapshot's body to bear any bytes: their checksum is
// compared only afterwards.
func FuzzLoad(f *testing.F) {
	view, group, user := New(nil), uuid.UUID{1}, uuid.UUID{2}
	for stream, event := range map[eventstream.StreamID]domain.Event{
		eventstream.UserStream(user):          domain.SetAttribute{Name: "a", Value: domain.StoredAttribute("1")},
		eventstream.GroupStream(group):        domain.SetGroupName{},
		eventstream.MemberStream(group, user): domain.SetMember{Present: true, Kind: domain.UserMember},
		eventstream.MemberStream(user, group): domain.SetMember{Present: false, Kind: domain.GroupMember},
		eventstream.KeyStream(user):           domain.SetKey{Hash: "h", Scopes: []domain.Scope{domain.ReadScope}, Active: true},
	} {
		data, err := domain.EncodeEvents([]domain.Event{event})
		if err != nil {
			f.Fatal(err)
		}
		if err := view.Apply(f.Context(), []eventstream.Commit{{Stream: stream, Seq: 1, Time: time.UnixMilli(1), Data: data}}); err != nil {
			f.Fatal(err)
		}
	}
	var body bytes.Buffer
	if err := view.save(&body); err != nil {
		f.Fatal(err)
	}
	f.Add(body.Bytes())
	f.Fuzz(func(t *testing.T, body []byte) {
		loaded := New(nil)
		if err := loaded.load(bytes.NewReader(body)); err == nil && loaded.Stats().Nodes > len(body) {
			t.Errorf("%d nodes out of %d bytes", loaded.Stats().Nodes, len(body))
		}
	})
}
