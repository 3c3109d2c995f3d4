package main

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/logstore"
	"github.com/seed5b6a70b4/identity/queries"
)

// tracedLog is a logstore whose appends are traced.
type tracedLog struct {
	*logstore.Store
	appends tracedStore
}

// Append implements eventstream.Store.
func (s *tracedLog) Append(ctx context.Context, tx eventstream.Transaction) ([]eventstream.Commit, error) {
	return s.appends.Append(ctx, tx)
}

// Enqueue implements eventstream.Queue.
func (s *tracedLog) Enqueue(ctx context.Context, tx eventstream.Transaction) (eventstream.Appending, error) {
	ctx, span := s.appends.start(ctx, &tx)
	appending, err := s.Store.Enqueue(ctx, tx)
	if err != nil {
		endAppend(span, nil, err)
		return nil, err
	}
	return &tracedAppending{appending, span}, nil
}

// tracedAppending ends the span of an append.
type tracedAppending struct {
	eventstream.Appending
	span trace.Span
}

// Wait implements eventstream.Appending.
func (a *tracedAppending) Wait(ctx context.Context) ([]eventstream.Commit, error) {
	commits, err := a.Appending.Wait(ctx)
	endAppend(a.span, commits, err)
	return commits, err
}

// tracedStore makes a span of each append. It is there only when spans go
// somewhere.
type tracedStore struct {
	eventstream.Store
	tracer trace.Tracer
}

// Append implements eventstream.Store.
func (s *tracedStore) Append(ctx context.Context, tx eventstream.Transaction) ([]eventstream.Commit, error) {
	ctx, span := s.start(ctx, &tx)
	commits, err := s.Store.Append(ctx, tx)
	endAppend(span, commits, err)
	return commits, err
}

func (s *tracedStore) start(ctx context.Context, tx *eventstream.Transaction) (context.Context, trace.Span) {
	return s.tracer.Start(ctx, "append", trace.WithAttributes(attribute.Int("identity.streams", len(tx.Entries))))
}

func endAppend(span trace.Span, commits []eventstream.Commit, err error) {
	defer span.End()
	if err != nil {
		span.SetStatus(codes.Error, cause(err))
	} else if len(commits) > 0 {
		span.SetAttributes(attribute.Int64("identity.position", int64(commits[0].Log)))
	}
}

// Import implements eventstream.Importer, which has no span: it is no part of a
// request.
func (s *tracedStore) Import(ctx context.Context, transactions [][]eventstream.Commit) (int, error) {
	return s.Store.(eventstream.Importer).Import(ctx, transactions)
}

// tracedWaiter makes a span of each wait for a view.
type tracedWaiter struct {
	queries.Waiter
	view   string
	tracer trace.Tracer
}

// Ensure implements queries.Waiter.
func (w *tracedWaiter) Ensure(ctx context.Context, stream eventstream.StreamID, seq eventstream.Seq) error {
	ctx, span := w.tracer.Start(ctx, "ensure "+w.view, trace.WithAttributes(attribute.String("identity.stream.kind", string(stream.Kind()))))
	defer span.End()
	err := w.Waiter.Ensure(ctx, stream, seq)
	if err != nil {
		span.SetStatus(codes.Error, "not there")
	}
	return err
}
