package queries

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/internal/deadline"
)

// EffectiveMembership says that somebody is in a group, directly or through other
// groups.
type EffectiveMembership struct {
	// Membership has no Seq and no Since for those who are not in directly.
	domain.Membership
	// Via is a shortest way: from the group that the member is directly in up to the
	// group, both included.
	Via []domain.GroupID
}

// Question asks whether somebody is in a group, directly or through other groups.
type Question struct {
	Group  domain.GroupID
	Member uuid.UUID
}

// Answers are those to some questions, in their order.
type Answers struct {
	// Ways are as EffectiveMembership.Via; nil for who is not in.
	Ways [][]domain.GroupID
	// RestsOn is the position of what answered, taken before it did.
	RestsOn eventstream.Token
}

// EffectiveMembership gives the membership of one who is in a group, directly or
// through other groups.
func (r *Reader) EffectiveMembership(ctx context.Context, group domain.GroupID, member uuid.UUID, fresh Freshness) (Entity[EffectiveMembership], error) {
	r = r.answering()
	restsOn, err := r.effective(ctx, fresh)
	if err != nil {
		return Entity[EffectiveMembership]{}, err
	}
	found, err := r.way(ctx, Question{group, member}, nil)
	if err != nil {
		return Entity[EffectiveMembership]{}, err
	}
	if found.edge.Seq == 0 {
		return Entity[EffectiveMembership]{}, domain.Refuse(domain.NotFound, CodeNotAMember, "it is not a member of the group")
	}
	entity := Entity[EffectiveMembership]{Value: effectively(group, &found.edge, found.way)}
	entity.Shows = eventstream.Token{{Stream: eventstream.MemberStream(found.edge.Group.UUID, member), Seq: eventstream.Seq(found.edge.Seq)}}
	if len(found.way) > 1 {
		nesting := restsOn.Seq(eventstream.NestingStream)
		entity.Shows = eventstream.NewToken(entity.Shows[0], eventstream.Position{Stream: eventstream.NestingStream, Seq: nesting})
	}
	return entity, nil
}

// Check answers questions at once. Whoever does not exist is in no group.
func (r *Reader) Check(ctx context.Context, questions []Question, fresh Freshness) (Answers, error) {
	r = r.answering()
	ctx, span := r.config.Tracer.Start(ctx, "queries.Check")
	defer span.End()
	restsOn, err := r.effective(ctx, fresh)
	if err != nil {
		return Answers{}, err
	}
	answers := Answers{Ways: make([][]domain.GroupID, len(questions)), RestsOn: restsOn}
	known := newDirects(r)
	err = r.each(ctx, len(questions), func(ctx context.Context, i int) error {
		found, err := r.way(ctx, questions[i], known)
		answers.Ways[i] = found.way
		return err
	})
	return answers, err
}

// effective brings the view and the closure to where an answer that follows
// nesting must be, and says what it will rest on. The closure is always brought to
// where the stream nesting is now: no token is too new for it, whichever stream of
// a transaction the token names, and processes that each have a closure of their own
// do not answer differently.
func (r *Reader) effective(ctx context.Context, fresh Freshness) (eventstream.Token, error) {
	waiting, cancel := deadline.After(ctx, fresh.wait(DefaultWait))
	defer cancel()
	if err := r.forceList(waiting, r.config.Waiter, fresh, DefaultWait); err != nil {
		return nil, err
	}
	if err := r.config.Closure.Refresh(waiting); err != nil {
		return nil, fmt.Errorf("wait for the closure: %w", err)
	}
	nesting := r.config.Closure.Seq()
	if fresh.AtLeast.Seq(eventstream.NestingStream) > nesting {
		return nil, fmt.Errorf("wait for the closure: %w", eventstream.ErrUnknownPosition)
	}
	restsOn, err := r.config.View.Position(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the view's position: %w", err)
	}
	return restsOn.Merge(eventstream.NewToken(eventstream.Position{Stream: eventstream.NestingStream, Seq: nesting})), nil
}

// found is who is in a group: the direct membership that the way begins with.
type found struct {
	edge domain.Membership
	way  []domain.GroupID
}

// directPage is how many direct memberships are looked at before it is asked
// whether to look from the other side is less.
const directPage = 128

// way finds a shortest way from a member up to a group, from the side where less
// is to be looked at: from the groups that the member is directly in, or from those
// that are in the group. Known, if not nil, remembers the former.
func (r *Reader) way(ctx context.Context, q Question, known *directs) (found, error) {
	if !r.config.Closure.Nests(q.Group) {
		return r.directWay(ctx, q)
	}
	edges, more, err := r.directsOf(ctx, q.Member, known)
	if err != nil {
		return found{}, err
	}
	if more {
		if edges, err = r.many(ctx, q, edges); err != nil {
			return found{}, err
		}
	}
	groups := make([]domain.GroupID, len(edges))
	for i := range edges {
		groups[i] = edges[i].Group
	}
	way := r.config.Closure.Way(groups, q.Group)
	for i := range edges {
		if len(way) > 0 && edges[i].Group == way[0] {
			return found{edges[i], way}, nil
		}
	}
	return found{}, nil
}

func (r *Reader) directWay(ctx context.Context, q Question) (found, error) {
	edge, counts, err := r.directEdge(ctx, q.Group, q.Member)
	if err != nil || !counts {
		return found{}, err
	}
	return found{edge, []domain.GroupID{q.Group}}, nil
}

// directEdge gives a membership, and whether it counts.
func (r *Reader) directEdge(ctx context.Context, group domain.GroupID, member uuid.UUID) (edge domain.Membership, counts bool, err error) {
	if edge, err = r.config.View.Membership(ctx, group, member); err != nil {
		return edge, false, fmt.Errorf("read a membership's row: %w", err)
	}
	if !edge.Present {
		return edge, false, nil
	}
	counts, err = r.bothEndsLast(ctx, &edge)
	return edge, counts, err
}

// many goes on where a member is in many groups: with all of them, or with those
// within the group that is asked for, if these are few.
func (r *Reader) many(ctx context.Context, q Question, first []domain.Membership) ([]domain.Membership, error) {
	if below := r.config.Closure.Below(q.Group).Groups(); len(below) <= directPage {
		return r.within(ctx, below, q.Member)
	}
	return r.restOf(ctx, q.Member, first)
}

// within gives the memberships of a member in some groups.
func (r *Reader) within(ctx context.Context, groups []domain.GroupID, member uuid.UUID) ([]domain.Membership, error) {
	edges, counts := make([]domain.Membership, len(groups)), make([]bool, len(groups))
	err := r.each(ctx, len(groups), func(ctx context.Context, i int) (err error) {
		edges[i], counts[i], err = r.directEdge(ctx, groups[i], member)
		return err
	})
	var listed []domain.Membership
	for i := range edges {
		if counts[i] {
			listed = append(listed, edges[i])
		}
	}
	return listed, err
}

// restOf gives all direct memberships of a member, of which the first are known.
func (r *Reader) restOf(ctx context.Context, member uuid.UUID, edges []domain.Membership) ([]domain.Membership, error) {
	for {
		page, err := r.config.View.GroupsOf(ctx, member, edges[len(edges)-1].Group, MaxLimit)
		if err != nil {
			return nil, fmt.Errorf("list the groups of a member: %w", err)
		}
		edges = append(edges, page...)
		if len(page) < MaxLimit {
			return edges, nil
		}
	}
}

// askedAtOnce is how many rows or pages of rows are asked for at a time where each
// takes a request.
const askedAtOnce = 32

// each does something for each number below a count, some at a time where a view
// is away. The first error ends it.
func (r *Reader) each(ctx context.Context, count int, do func(context.Context, int) error) error {
	if count > 1 && r.config.Streams.Log() == nil {
		group, ctx := errgroup.WithContext(ctx)
		group.SetLimit(askedAtOnce)
		for i := range count {
			group.Go(func() error { return do(ctx, i) })
		}
		return group.Wait()
	}
	for i := range count {
		if err := do(ctx, i); err != nil {
			return err
		}
	}
	return nil
}

// effectively makes what is answered of the membership that a way begins with.
func effectively(group domain.GroupID, edge *domain.Membership, way []domain.GroupID) EffectiveMembership {
	if edge.Group == group {
		return EffectiveMembership{*edge, way}
	}
	return EffectiveMembership{domain.Membership{Group: group, Member: edge.Member, Kind: edge.Kind, Present: true}, way}
}
