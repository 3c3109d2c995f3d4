package viewtest

import (
	"context"
	"iter"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/memstore"
)

// TB is what History needs of a test: a *testing.T, *testing.B or *rapid.T.
type TB interface {
	Helper()
	Fatalf(format string, args ...any)
}

// History writes streams, through a store in memory, for views to be given. Its
// clock moves by a second a commit.
type History struct {
	t       TB
	store   *memstore.Store
	streams *eventstream.Streams
}

// NewHistory begins an empty history. Whatever goes wrong in it ends the test.
func NewHistory(t TB) *History {
	now := time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.UTC)
	store := memstore.New(&memstore.Options{Now: func() time.Time {
		now = now.Add(time.Second)
		return now
	}})
	return &History{t: t, store: store, streams: eventstream.New(store, nil)}
}

// Write appends a commit of events to a stream, and gives it.
func (h *History) Write(stream eventstream.StreamID, events ...domain.Event) eventstream.Commit {
	h.t.Helper()
	data, err := domain.EncodeEvents(events)
	if err != nil {
		h.t.Fatalf("encode events: %v", err)
	}
	return h.WriteData(stream, data)
}

// WriteData appends a commit that says what no event says.
func (h *History) WriteData(stream eventstream.StreamID, data []byte) eventstream.Commit {
	h.t.Helper()
	ctx := context.Background()
	last, err := h.streams.Last(ctx, stream)
	if err != nil {
		h.t.Fatalf("read the end of a stream: %v", err)
	}
	commits, err := h.streams.Append(ctx, eventstream.Transaction{
		Command: uuid.New(), Actor: "kit", Correlation: "kit",
		Entries: []eventstream.Entry{{Stream: stream, Expect: eventstream.Exactly(last.Seq), Data: data}},
	})
	if err != nil {
		h.t.Fatalf("append: %v", err)
	}
	return commits[0]
}

// Commits are all of a stream.
func (h *History) Commits(stream eventstream.StreamID) []eventstream.Commit {
	h.t.Helper()
	var commits []eventstream.Commit
	for commit, err := range h.streams.Read(context.Background(), stream, 0) {
		if err != nil {
			h.t.Fatalf("read a stream: %v", err)
		}
		commits = append(commits, commit)
	}
	return commits
}

// All are the commits of all streams, in the order in which they were written.
func (h *History) All() iter.Seq[eventstream.Commit] {
	return func(yield func(eventstream.Commit) bool) {
		for commits, err := range h.store.Tail(context.Background(), 0) {
			if err != nil {
				h.t.Fatalf("read the log: %v", err)
			}
			for _, commit := range commits {
				if !yield(commit) {
					return
				}
			}
		}
	}
}

// User writes the creation of a user with a username, and e.g. more.
func (h *History) User(id domain.UserID, username string, more ...domain.Event) eventstream.Commit {
	h.t.Helper()
	events := []domain.Event{domain.SetUsername{Username: Username(username)}, domain.SetActive{Active: true}}
	return h.Write(eventstream.UserStream(id.UUID), append(events, more...)...)
}

// Group writes the creation of a group with a name.
func (h *History) Group(id domain.GroupID, name string, more ...domain.Event) eventstream.Commit {
	h.t.Helper()
	events := []domain.Event{domain.SetGroupName{Name: GroupName(name)}}
	return h.Write(eventstream.GroupStream(id.UUID), append(events, more...)...)
}

// Member writes that a user is in a group, or no longer.
func (h *History) Member(group domain.GroupID, user domain.UserID, present bool) eventstream.Commit {
	h.t.Helper()
	return h.Write(eventstream.MemberStream(group.UUID, user.UUID), domain.SetMember{Present: present, Kind: domain.UserMember})
}

// Nested writes that a group is in a group, or no longer.
func (h *History) Nested(group, member domain.GroupID, present bool) eventstream.Commit {
	h.t.Helper()
	return h.Write(eventstream.MemberStream(group.UUID, member.UUID), domain.SetMember{Present: present, Kind: domain.GroupMember})
}

// RemoveUser writes the end of a user.
func (h *History) RemoveUser(id domain.UserID) eventstream.Commit {
	h.t.Helper()
	return h.Write(eventstream.UserStream(id.UUID), domain.SetRemoved{Removed: true})
}

// RemoveGroup writes the end of a group.
func (h *History) RemoveGroup(id domain.GroupID) eventstream.Commit {
	h.t.Helper()
	return h.Write(eventstream.GroupStream(id.UUID), domain.SetRemoved{Removed: true})
}

// Username is a value of the text, for tests that know it to be good.
func Username(text string) domain.Username { return good(domain.ParseUsername(text)) }

// Email is a value of the text.
func Email(text string) domain.Email { return good(domain.ParseEmail(text)) }

// GroupName is a value of the text.
func GroupName(text string) domain.GroupName { return good(domain.ParseGroupName(text)) }

// ExternalID is a value of the text.
func ExternalID(text string) domain.ExternalID { return good(domain.ParseExternalID(text)) }

// Text is a value of the text.
func Text(text string) domain.Text { return good(domain.ParseText(text, domain.MaxText)) }

// Attribute is a value of the JSON.
func Attribute(json string) domain.Attribute {
	return good(domain.ParseAttribute(jsontext.Value(json)))
}

func good[V any](value V, err error) V {
	if err != nil {
		panic(err)
	}
	return value
}
