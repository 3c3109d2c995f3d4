package commands

import (
	"context"
	"fmt"
	"strconv"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// joining is what the streams say about a group and those that are to get into
// it.
type joining struct {
	id      domain.GroupID
	group   end
	members []joiner
}

// joiner is one that is to get in.
type joiner struct {
	end
	edge domain.Membership
}

// nests tells whether the member is a group and not in yet.
func (j *joiner) nests() bool { return j.kind == domain.GroupMember && !j.edge.Present }

func (r *reader) joining(ctx context.Context, group domain.GroupID, members []uuid.UUID) (joining, error) {
	state := joining{id: group, members: make([]joiner, len(members))}
	var err error
	if state.group, err = r.groupEnd(ctx, group.UUID); err != nil {
		return state, err
	}
	for i, member := range members {
		if state.members[i].end, err = r.anyEnd(ctx, member); err != nil {
			return state, err
		}
		if state.members[i].edge, err = r.membership(ctx, group, member); err != nil {
			return state, err
		}
	}
	return state, nil
}

// join decides who gets in, with the graph at hand if groups do.
func (h *Handler) join(ctx context.Context, state *joining, c *circumstances) (decision, error) {
	for i := range state.members {
		if state.members[i].nests() {
			return h.nesting.decideToWrite(ctx, c, state.decide)
		}
	}
	return state.decide(nil)
}

// decide lets in those who are not in, all or none. That a user or a group may be
// removed meanwhile is no harm: an edge counts only while both of its ends live.
// But where the graph changes, groups must still be there at the append, because
// the nesting of a removed group would stay for ever.
func (state *joining) decide(graph *domain.Nesting) (decision, error) {
	var writes, guards []write
	var nested []domain.Event
	shows := make([]eventstream.Position, len(state.members))
	for i := range state.members {
		member := &state.members[i]
		shows[i] = edgePosition(&member.edge)
		if member.edge.Present {
			continue
		}
		writes = append(writes, write{
			shows[i].Stream, eventstream.Exactly(shows[i].Seq),
			[]domain.Event{domain.SetMember{Present: true, Kind: member.kind}},
		})
		shows[i].Seq++
		if !member.nests() {
			continue
		}
		inner := domain.GroupID{UUID: member.edge.Member}
		if graph.Reaches(inner, state.id) {
			return decision{}, domain.Refuse(domain.Cycle, "", "the group would be a member of itself, through others or at once")
		}
		nested = append(nested, domain.SetNesting{Group: state.id, Member: inner, Present: true})
		guards = append(guards, member.unchanged())
	}
	if nested != nil {
		guards = append(guards, state.group.unchanged())
		writes = append(writes, write{eventstream.NestingStream, eventstream.Exactly(eventstream.Seq(graph.Seq)), nested})
	}
	return decision{writes: append(writes, guards...), shows: shows, answer: state.answer}, nil
}

// unchanged is the condition that the end is as it was read.
func (e *end) unchanged() write {
	return write{stream: e.stream, expect: eventstream.Exactly(e.seq)}
}

// answer gives the memberships. The commits of those who got in come first, in
// the order of the members.
func (state *joining) answer(commits []eventstream.Commit) (Result, error) {
	result := Result{Memberships: make([]domain.Membership, len(state.members))}
	for i := range state.members {
		edge := state.members[i].edge
		if !edge.Present {
			events := []domain.Event{domain.SetMember{Present: true, Kind: state.members[i].kind}}
			if err := edge.Apply(uint64(commits[0].Seq), commits[0].Time, events); err != nil {
				return Result{}, err
			}
			commits = commits[1:]
			result.Changed, result.Created = true, true
		}
		result.Memberships[i] = edge
	}
	return result, nil
}

// missing refuses a group or members that do not exist; pointer gives the JSON
// pointers of a member, none if nil.
func (state *joining) missing(pointers func(uuid.UUID) []string) error {
	refusal := domain.Error{Kind: domain.NotFound}
	unknown := 0
	for i := range state.members {
		if state.members[i].exists() {
			continue
		}
		unknown++
		if pointers == nil {
			continue
		}
		for _, pointer := range pointers(state.members[i].edge.Member) {
			detail := fmt.Sprintf("no user or group has the id %s", state.members[i].edge.Member)
			refusal.Fields = append(refusal.Fields, domain.Field{Pointer: pointer, Detail: detail})
		}
	}
	switch {
	case !state.group.exists() && unknown > 0:
		refusal.Detail = "neither the group nor " + count(unknown, len(state.members)) + " exists"
	case !state.group.exists():
		refusal.Detail = "the group does not exist"
	case unknown == 1:
		refusal.Detail = count(unknown, len(state.members)) + " does not exist: no user or group has the id"
	case unknown > 0:
		refusal.Detail = count(unknown, len(state.members)) + " do not exist: no user or group has their ids"
	default:
		return nil
	}
	return &refusal
}

func count(unknown, of int) string {
	if of == 1 {
		return "the member"
	}
	return strconv.Itoa(unknown) + " of the members"
}
