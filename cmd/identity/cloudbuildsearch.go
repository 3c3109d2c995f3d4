package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/queries"
	"github.com/seed5b6a70b4/identity/sync/generations"
	"github.com/seed5b6a70b4/identity/sync/shardfeed"
)

// makeSearch makes the index, and has it follow the change feed from where that is
// now: what was announced before is found by filling.
func (b *builder) makeSearch(ctx context.Context, build *generations.Build) error {
	b.beginStage("make index", 0, 1)
	if err := b.index.At(build.Number).Make(ctx); err != nil {
		return err
	}
	heads, err := b.changes.Heads(ctx)
	if err != nil {
		return err
	}
	leases := b.followed.searchLeases(build.Number)
	for _, part := range b.changes.Streams() {
		from := shardfeed.Lease{Shard: string(part), Since: time.Now()}
		if seq := heads.Seq(part); seq > 0 {
			from.Checkpoint = strconv.FormatUint(uint64(seq), 10)
		}
		if _, err := leases.Create(ctx, from); err != nil && !errors.Is(err, shardfeed.ErrLost) { // then it was made before, from further back
			return err
		}
	}
	return nil
}

// filledAtOnce is how many documents are put at a time.
const filledAtOnce = 500

// kindNote is up to which id documents were put.
type kindNote struct {
	After uuid.UUID `json:"after"`
	Put   uint64    `json:"put"`
	Ended bool      `json:"ended,omitempty"`
}

// fillSearch puts a document of everything that the rows show into the index.
func (b *builder) fillSearch(ctx context.Context, build *generations.Build) error {
	g := b.followed.searchOf(build.Number)
	if g == nil {
		return errNotFollowedYet
	}
	notes, err := b.state.Progress(ctx, build.ID)
	if err != nil {
		return err
	}
	at, put := map[domain.MemberKind]kindNote{}, uint64(0)
	for _, kind := range bothKinds {
		var note kindNote
		if raw := notes[kindPart(build, kind)]; raw != nil {
			if err := json.Unmarshal(raw, &note); err != nil {
				return fmt.Errorf("%w: how far an index was filled", eventstream.ErrCorrupt)
			}
		}
		at[kind] = note
		put += note.Put
	}
	b.beginStage("fill index", put, b.documentsNow(ctx))
	pace := pacer(build.Rate)
	for _, kind := range bothKinds {
		if err := b.fillKind(ctx, build, g, kind, at[kind], pace); err != nil {
			return err
		}
	}
	return nil
}

var bothKinds = []domain.MemberKind{domain.UserMember, domain.GroupMember}

func kindPart(build *generations.Build, kind domain.MemberKind) string {
	return fmt.Sprintf("%s-%d-%s", build.Views[0], build.Number, kind)
}

// documentsNow is about how many documents there are; 0 if that is not known.
func (b *builder) documentsNow(ctx context.Context) uint64 {
	_, answers := b.followed.current()
	if answers == nil {
		return 0
	}
	count, err := answers.index.Count(ctx)
	if err != nil {
		return 0
	}
	return count
}

func (b *builder) fillKind(ctx context.Context, build *generations.Build, g *searchGeneration, kind domain.MemberKind, note kindNote, pace func(context.Context, int) error) error {
	for !note.Ended {
		ids, err := idsAfter(ctx, g.of.view, kind, note.After, filledAtOnce)
		if err != nil {
			return err
		}
		if err := pace(ctx, len(ids)); err != nil {
			return err
		}
		entities := make([]eventstream.Position, len(ids))
		for i, id := range ids {
			entities[i] = eventstream.Position{Stream: entityStream(kind, id), Seq: 1}
		}
		if err := g.indexer.Handle(ctx, entities); err != nil {
			return err
		}
		b.did(uint64(len(ids)))
		note.Put += uint64(len(ids))
		if note.Ended = len(ids) < filledAtOnce; !note.Ended {
			note.After = ids[len(ids)-1]
		}
		if err := b.note(ctx, build, kindPart(build, kind), note); err != nil {
			return err
		}
	}
	return nil
}

// idsAfter gives the first users or groups after an id that rows show.
func idsAfter(ctx context.Context, view queries.View, kind domain.MemberKind, after uuid.UUID, limit int) ([]uuid.UUID, error) {
	var ids []uuid.UUID
	if kind == domain.GroupMember {
		groups, err := view.Groups(ctx, domain.GroupID{UUID: after}, limit)
		for i := range groups {
			ids = append(ids, groups[i].ID.UUID)
		}
		return ids, err
	}
	users, err := view.Users(ctx, domain.UserID{UUID: after}, limit)
	for i := range users {
		ids = append(ids, users[i].ID.UUID)
	}
	return ids, err
}

// compareSearch compares every document of the index with the one that the rows
// make now, and waits until the index is where the one that answers is.
func (b *builder) compareSearch(ctx context.Context, build *generations.Build) (generations.Comparison, error) {
	g := b.followed.searchOf(build.Number)
	if g == nil {
		return generations.Comparison{}, errNotFollowedYet
	}
	b.beginStage("compare index", 0, b.documentsNow(ctx))
	if err := g.index.Refresh(ctx); err != nil {
		return generations.Comparison{}, err
	}
	c := &searchComparison{documents: g.documents, did: b.did, pace: pacer(build.Rate)}
	for _, kind := range bothKinds {
		if err := c.compare(ctx, kind); err != nil {
			return c.came, err
		}
	}
	if err := b.reach(ctx, g); err != nil {
		return c.came, err
	}
	return c.came, nil
}

// reach waits until an index has handled what the change feed holds.
func (b *builder) reach(ctx context.Context, g *searchGeneration) error {
	heads, err := b.changes.Heads(ctx)
	if err != nil {
		return err
	}
	for {
		reached, err := g.reached(ctx)
		if err != nil || reached.Covers(heads) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(changesPoll):
		}
	}
}
