package commands

import (
	"context"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// onEntity decides on an entity as the store has it now. Where reading it takes a
// request, it is decided first on the entity as it was last seen: a decision to
// write pins the entity's stream, so that it holds only if nothing has changed
// since. Any other decision, and every later attempt, is made on what the store
// says.
func onEntity[E any](ctx context.Context, h *Handler, c *circumstances, stream eventstream.StreamID,
	read func(context.Context) (E, error), decide func(*E) (decision, error),
) (decision, error) {
	if seen, found := seenEntity[E](h, stream); found && !c.turn.beaten() {
		if guessed, err := decide(&seen); err == nil && len(guessed.writes) > 0 {
			return guessed, nil
		}
	}
	entity, err := read(ctx)
	if err != nil {
		return decision{}, err
	}
	return decide(&entity)
}

// seenEntity gives an entity as it was last seen, unless reading it is for free.
func seenEntity[E any](h *Handler, stream eventstream.StreamID) (entity E, found bool) {
	if h.reader.streams.Heads() != nil {
		return entity, false
	}
	kept, found := h.reader.folded.Get(stream)
	if !found {
		return entity, false
	}
	entity, found = kept.entity.(E)
	return entity, found
}

// keep keeps an entity as an update has just written it, unless a later one is
// kept or reading it is for free.
func (r *reader) keep(stream eventstream.StreamID, seq uint64, entity any) {
	if r.streams.Heads() != nil {
		return
	}
	if kept, found := r.folded.Peek(stream); !found || uint64(kept.seq) < seq {
		r.folded.Add(stream, folded{eventstream.Seq(seq), entity})
	}
}

// keeping has what a decision wrote kept.
func keeping(d decision, keep func(*Result)) decision {
	if answer := d.answer; len(d.writes) > 0 {
		d.answer = func(commits []eventstream.Commit) (Result, error) {
			result, err := answer(commits)
			if err == nil {
				keep(&result)
			}
			return result, err
		}
	}
	return d
}
