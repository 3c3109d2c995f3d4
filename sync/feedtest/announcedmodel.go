package feedtest

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// AnnouncedModel is a Model whose rows are announced, and whose edges end with
// their ends. The zero AnnouncedModel is empty.
type AnnouncedModel struct {
	Model

	mu        sync.Mutex
	announced map[eventstream.StreamID]eventstream.Seq
	marks     map[eventstream.StreamID]eventstream.Seq
	removed   map[eventstream.StreamID]bool
	edges     map[eventstream.StreamID]domain.MemberKind
	// ended are edges whose end was counted, hidden those whose end was announced
	// too; tidied the entities that left nothing behind.
	ended, hidden, tidied map[eventstream.StreamID]bool
	revisions             map[eventstream.StreamID]uint64
}

func set[K comparable, V any](m *map[K]V, key K, value V) {
	if *m == nil {
		*m = map[K]V{}
	}
	(*m)[key] = value
}

// Apply implements querysync.View.
func (m *AnnouncedModel) Apply(ctx context.Context, commits []eventstream.Commit) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.Model.Apply(ctx, commits); err != nil {
		return err
	}
	stream := commits[0].Stream
	for i := range commits {
		events, err := domain.DecodeEvents(commits[i].Data)
		if err != nil {
			return err
		}
		for _, event := range events {
			switch e := event.(type) {
			case domain.SetRemoved:
				set(&m.removed, stream, e.Removed)
			case domain.SetMember:
				set(&m.edges, stream, e.Kind)
			}
		}
		if member, is := m.memberOf(stream); is {
			set(&m.revisions, member, m.revisions[member]+1)
		}
	}
	return nil
}

// memberOf is the entity whose document an edge is part of.
func (m *AnnouncedModel) memberOf(stream eventstream.StreamID) (eventstream.StreamID, bool) {
	_, member, is := stream.Edge()
	if !is {
		return "", false
	}
	if m.edges[stream] == domain.GroupMember {
		return eventstream.GroupStream(member), true
	}
	return eventstream.UserStream(member), true
}

// Standing implements querysync.Announcing.
func (m *AnnouncedModel) Standing(ctx context.Context, stream eventstream.StreamID) (seq, announced eventstream.Seq, untidy bool, err error) {
	seq, err = m.Seq(ctx, stream)
	m.mu.Lock()
	defer m.mu.Unlock()
	return seq, m.announced[stream], m.removed[stream] && !m.tidied[stream], err
}

// SetAnnounced implements querysync.Announcing.
func (m *AnnouncedModel) SetAnnounced(_ context.Context, position eventstream.Position) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	set(&m.announced, position.Stream, max(m.announced[position.Stream], position.Seq))
	return nil
}

// Tidy implements querysync.Announcing, two rows at a time.
func (m *AnnouncedModel) Tidy(ctx context.Context, ended eventstream.StreamID) ([]eventstream.Position, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	id, _ := ended.UUID()
	var rows []eventstream.Position
	for stream := range m.edges {
		group, member, _ := stream.Edge()
		if m.hidden[stream] || len(rows) == 2 || !(group == id && ended.Kind() == eventstream.GroupKind || member == id && m.isMember(stream, ended)) {
			continue
		}
		if !m.ended[stream] {
			set(&m.ended, stream, true)
			entity, _ := m.memberOf(stream)
			set(&m.revisions, entity, m.revisions[entity]+1)
		}
		seq, err := m.Seq(ctx, stream)
		if err != nil {
			return nil, err
		}
		rows = append(rows, eventstream.Position{Stream: stream, Seq: seq})
	}
	slices.SortFunc(rows, func(a, b eventstream.Position) int { return strings.Compare(string(a.Stream), string(b.Stream)) })
	return rows, nil
}

func (m *AnnouncedModel) isMember(edge, entity eventstream.StreamID) bool {
	member, _ := m.memberOf(edge)
	return member == entity
}

// Tidied implements querysync.Announcing.
func (m *AnnouncedModel) Tidied(_ context.Context, ended eventstream.StreamID, rows []eventstream.Position) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, row := range rows {
		set(&m.hidden, row.Stream, true)
	}
	if len(rows) == 0 {
		set(&m.tidied, ended, true)
	}
	return nil
}

// Mark implements querysync.Marking.
func (m *AnnouncedModel) Mark(_ context.Context, stream eventstream.StreamID) (eventstream.Seq, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.marks[stream], nil
}

// SetMark implements querysync.Marking.
func (m *AnnouncedModel) SetMark(_ context.Context, position eventstream.Position) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	set(&m.marks, position.Stream, max(m.marks[position.Stream], position.Seq))
	return nil
}

// Touches tells whose document a row is part of.
func (m *AnnouncedModel) Touches(_ context.Context, stream eventstream.StreamID) ([]eventstream.StreamID, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if member, is := m.memberOf(stream); is {
		return []eventstream.StreamID{member}, nil
	}
	if stream.Kind() == eventstream.KeyKind {
		return nil, nil
	}
	return []eventstream.StreamID{stream}, nil
}

// Document gives an entity's document: its revision, how far its row is, whether
// it was removed, and the edges that it is the member of and that count.
func (m *AnnouncedModel) Document(ctx context.Context, entity eventstream.StreamID) (Document, error) {
	seq, err := m.Seq(ctx, entity)
	m.mu.Lock()
	defer m.mu.Unlock()
	d := Document{Revision: uint64(seq), Removed: m.removed[entity]}
	if err != nil || seq == 0 {
		return d, err
	}
	d.Revision += m.revisions[entity]
	if d.Removed {
		d.Revision += 1 << 48
		return d, nil
	}
	for stream := range m.edges {
		if group, _, _ := stream.Edge(); m.isMember(stream, entity) && !m.removed[eventstream.GroupStream(group)] {
			d.Groups = append(d.Groups, group)
		}
	}
	slices.SortFunc(d.Groups, func(a, b uuid.UUID) int { return strings.Compare(a.String(), b.String()) })
	return d, nil
}

// Document is what an index keeps of an entity.
type Document struct {
	Revision uint64
	Removed  bool
	Groups   []uuid.UUID
}
