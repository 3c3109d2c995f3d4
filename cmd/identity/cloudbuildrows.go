package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/queries/dynamoview"
	"github.com/seed5b6a70b4/identity/sync/generations"
)

// Commits are read in so many segments, so many of them at a time.
const (
	fillSegments = 16
	fillAtOnce   = 4
)

// errNotFollowedYet says that this process has not heard of what it builds.
var errNotFollowedYet = errors.New("the generation is not followed yet")

// makeRows makes the table, with the marks of the rows that answer: whatever those
// name was written before, and is found by filling.
func (b *builder) makeRows(ctx context.Context, build *generations.Build) error {
	b.beginStage("make table", 0, 1)
	answers, _ := b.followed.current()
	next := b.followed.newRows(build.Number)
	if err := next.Prepare(ctx); err != nil {
		return err
	}
	return next.CopyMarks(ctx, answers.view)
}

// segmentNote is how far a segment was read.
type segmentNote struct {
	Stream eventstream.StreamID `json:"stream,omitempty"`
	Seq    eventstream.Seq      `json:"seq,omitempty"`
	Read   uint64               `json:"read"`
	Ended  bool                 `json:"ended,omitempty"`
}

// fillRows brings the rows to whatever was written before everybody followed them:
// after the fence nobody announces what they do not show.
func (b *builder) fillRows(ctx context.Context, build *generations.Build) error {
	if b.followed.rowsOf(build.Number) == nil {
		return errNotFollowedYet
	}
	if err := b.changes.Fence(ctx); err != nil {
		return err
	}
	notes, err := b.state.Progress(ctx, build.ID)
	if err != nil {
		return err
	}
	size, err := b.store.Size(ctx)
	if err != nil {
		return err
	}
	segments, read := make([]segmentNote, fillSegments), uint64(0)
	for i := range segments {
		if note := notes[segmentPart(build, i)]; note != nil {
			if err := json.Unmarshal(note, &segments[i]); err != nil {
				return fmt.Errorf("%w: how far a segment was read", eventstream.ErrCorrupt)
			}
		}
		read += segments[i].Read
	}
	b.beginStage("fill rows", read, size)
	pace := pacer(build.Rate)
	group, filling := errgroup.WithContext(ctx)
	group.SetLimit(fillAtOnce)
	for i := range segments {
		if !segments[i].Ended {
			group.Go(func() error { return b.fillSegment(filling, build, i, segments[i], pace) })
		}
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return b.noteFilled(ctx, numbered(b.names.Views, build.Number))
}

func segmentPart(build *generations.Build, segment int) string {
	return fmt.Sprintf("%s-%d-%02d", build.Views[0], build.Number, segment)
}

func (b *builder) fillSegment(ctx context.Context, build *generations.Build, segment int, note segmentNote, pace func(context.Context, int) error) error {
	for !note.Ended {
		page, next, err := b.store.Page(ctx, segment, fillSegments, eventstream.Position{Stream: note.Stream, Seq: note.Seq})
		if err != nil {
			return err
		}
		if err := pace(ctx, len(page)); err != nil {
			return err
		}
		if err := b.synchroniser.Fill(ctx, page); err != nil {
			return err
		}
		b.did(uint64(len(page)))
		note = segmentNote{Stream: next.Stream, Seq: next.Seq, Read: note.Read + uint64(len(page)), Ended: next.Seq == 0}
		if err := b.note(ctx, build, segmentPart(build, segment), note); err != nil {
			return err
		}
	}
	return nil
}

// compareRows compares the rows with those that answer.
func (b *builder) compareRows(ctx context.Context, build *generations.Build) (compared generations.Comparison, err error) {
	next := b.followed.rowsOf(build.Number)
	if next == nil {
		return compared, errNotFollowedYet
	}
	answers, _ := b.followed.current()
	b.beginStage("compare rows", 0, 0)
	pace := pacer(build.Rate)
	came, err := dynamoview.Compare(ctx, answers.view, next.view, dynamoview.CompareOptions{Pace: func(ctx context.Context, rows int) error {
		b.did(uint64(rows))
		return pace(ctx, rows)
	}})
	if err != nil {
		return compared, err
	}
	compared = generations.Comparison{Compared: came.Rows, Buckets: came.Buckets, Sampled: came.Sampled, Differing: came.Differing}
	for _, d := range came.Different {
		compared.Differences = append(compared.Differences, generations.Difference{Stream: string(d.Stream), Seq: d.Seq, Fields: d.Fields})
	}
	return compared, nil
}
