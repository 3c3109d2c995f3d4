package commands

import (
	"context"
	"fmt"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// Epoch reads which life of a store this is, open or closed, without its secret. It
// fails if the store holds no directory.
func Epoch(ctx context.Context, streams *eventstream.Streams) (eventstream.Epoch, error) {
	facts, err := readStoreFacts(ctx, streams)
	if err != nil {
		return eventstream.Epoch{}, fmt.Errorf("read the stream store: %w", err)
	}
	if facts.seq == 0 {
		return eventstream.Epoch{}, ErrNoDirectory
	}
	epoch, err := eventstream.ParseEpoch(facts.epoch)
	if err != nil {
		return eventstream.Epoch{}, fmt.Errorf("%w: stream store: %w", eventstream.ErrCorrupt, err)
	}
	return epoch, nil
}

// CheckCopied tells whether the unique values of a directory are hashed under the
// secret, going by the first commit of its stream store: nil, or ErrForeignSecret.
func CheckCopied(store *eventstream.Commit, secret domain.ClaimSecret) error {
	events, err := domain.DecodeEvents(store.Data)
	if err != nil {
		return fmt.Errorf("commit %d of stream store: %w", store.Seq, err)
	}
	var facts storeFacts
	if err := facts.apply(events); err != nil {
		return err
	}
	if facts.secretID != secret.ID() {
		return ErrForeignSecret
	}
	return nil
}

// Closed tells whether another store has taken over from this one.
func Closed(ctx context.Context, streams *eventstream.Streams) (bool, error) {
	facts, err := readStoreFacts(ctx, streams)
	if err != nil {
		return false, fmt.Errorf("read the stream store: %w", err)
	}
	return facts.closed, nil
}
