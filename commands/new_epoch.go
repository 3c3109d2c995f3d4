package commands

import (
	"context"
	"crypto/rand"
	"fmt"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// BeginEpoch begins a new life of a store that was restored: commits that were
// written after the copy was taken are gone, and their numbers will be used again,
// so that tokens of the old life must not be taken for those of the new one. Views
// of the old life have to be thrown away. A store that was closed is open in its
// new life. Each call begins another life; it fails as OpenDirectory does, and if
// the store holds no directory.
func BeginEpoch(ctx context.Context, streams *eventstream.Streams, secret domain.ClaimSecret) (Directory, error) {
	var begun Directory
	decide := func(ctx context.Context, _ uuid.UUID) ([]eventstream.Entry, error) {
		found, err := readStoreFacts(ctx, streams)
		if err != nil {
			return nil, err
		}
		if _, err := found.directory(secret); err != nil {
			return nil, err
		}
		var epoch eventstream.Epoch
		_, _ = rand.Read(epoch[:]) // it never fails
		events := []domain.Event{domain.SetEpoch{Epoch: epoch.String()}}
		if err := found.apply(events); err != nil {
			return nil, err
		}
		if begun, err = found.directory(secret); err != nil {
			return nil, err
		}
		data, err := domain.EncodeEvents(events)
		return []eventstream.Entry{{Stream: eventstream.StoreStream, Expect: eventstream.Exactly(found.seq), Data: data}}, err
	}
	if _, err := streams.Transact(ctx, eventstream.Attribution{Actor: "system"}, decide); err != nil {
		return Directory{}, fmt.Errorf("begin a new epoch: %w", err)
	}
	return begun, nil
}
