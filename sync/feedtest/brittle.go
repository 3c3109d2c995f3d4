package feedtest

import (
	"context"
	"sync/atomic"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// brittleView is a view as a process sees it that is cut off after some steps.
type brittleView struct {
	AnnouncedView
	left *atomic.Int64
}

func (b brittleView) step() error { return fragile{left: b.left}.step() }

func (b brittleView) Seq(ctx context.Context, stream eventstream.StreamID) (eventstream.Seq, error) {
	if err := b.step(); err != nil {
		return 0, err
	}
	return b.AnnouncedView.Seq(ctx, stream)
}

func (b brittleView) Apply(ctx context.Context, commits []eventstream.Commit) error {
	if err := b.step(); err != nil {
		return err
	}
	return b.AnnouncedView.Apply(ctx, commits)
}

func (b brittleView) Standing(ctx context.Context, stream eventstream.StreamID) (seq, announced eventstream.Seq, untidy bool, err error) {
	if err := b.step(); err != nil {
		return 0, 0, false, err
	}
	return b.AnnouncedView.Standing(ctx, stream)
}

func (b brittleView) SetAnnounced(ctx context.Context, position eventstream.Position) error {
	if err := b.step(); err != nil {
		return err
	}
	return b.AnnouncedView.SetAnnounced(ctx, position)
}

func (b brittleView) Tidy(ctx context.Context, ended eventstream.StreamID) ([]eventstream.Position, error) {
	if err := b.step(); err != nil {
		return nil, err
	}
	return b.AnnouncedView.Tidy(ctx, ended)
}

func (b brittleView) Tidied(ctx context.Context, ended eventstream.StreamID, rows []eventstream.Position) error {
	if err := b.step(); err != nil {
		return err
	}
	return b.AnnouncedView.Tidied(ctx, ended, rows)
}

func (b brittleView) SetMark(ctx context.Context, position eventstream.Position) error {
	if err := b.step(); err != nil {
		return err
	}
	return b.AnnouncedView.SetMark(ctx, position)
}

func (b brittleView) Document(ctx context.Context, entity eventstream.StreamID) (Document, error) {
	if err := b.step(); err != nil {
		return Document{}, err
	}
	return b.AnnouncedView.Document(ctx, entity)
}

// brittleStore is a store as such a process sees it. It numbers no transactions.
type brittleStore struct {
	eventstream.Store
	left *atomic.Int64
}

func (b brittleStore) Append(ctx context.Context, tx eventstream.Transaction) ([]eventstream.Commit, error) {
	if err := (fragile{left: b.left}).step(); err != nil {
		return nil, err
	}
	return b.Store.Append(ctx, tx)
}
