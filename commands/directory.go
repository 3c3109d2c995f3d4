package commands

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// The ways in which a store is refused.
var (
	// ErrForeignSecret: the store's unique values are hashed under another secret.
	// Under this one, none of them would be found, and each could be taken again.
	ErrForeignSecret = errors.New("the claim secret is not this store's")
	// ErrStoreClosed: another store has taken over from this one. It can be read.
	ErrStoreClosed = errors.New("the store is closed: another one has taken over")
)

// Directory is what holds for all of a store, as its stream store says.
type Directory struct {
	Epoch eventstream.Epoch
	// UserShards and GroupShards are how many all-users and all-groups streams
	// there are. They never change.
	UserShards, GroupShards int
	// Secret is what the names of unique values are hashed under.
	Secret domain.ClaimSecret
	// Closed tells that another store had taken over when the directory was opened.
	Closed bool
}

// UsersOf names the all-users stream that lists the user.
func (d *Directory) UsersOf(id domain.UserID) eventstream.StreamID {
	return eventstream.UsersStream(eventstream.ShardOf(id.UUID, d.UserShards))
}

// GroupsOf names the all-groups stream that lists the group.
func (d *Directory) GroupsOf(id domain.GroupID) eventstream.StreamID {
	return eventstream.GroupsStream(eventstream.ShardOf(id.UUID, d.GroupShards))
}

// ClaimOf names the stream of a unique value, given its compared form.
func (d *Directory) ClaimOf(kind domain.ClaimKind, compared string) eventstream.StreamID {
	return eventstream.ClaimStream(string(kind), d.Secret.Key(kind, compared))
}

// OpenDirectory reads what the stream store says or, when the store is new,
// writes it: a random epoch, so many shards of users and of groups, and the id of
// the secret. Of several processes that start at once, one writes. It fails with
// ErrForeignSecret if this store must not be served.
func OpenDirectory(ctx context.Context, streams *eventstream.Streams, secret domain.ClaimSecret, shards int) (Directory, error) {
	var found storeFacts
	decide := func(ctx context.Context, _ uuid.UUID) ([]eventstream.Entry, error) {
		var err error
		if found, err = readStoreFacts(ctx, streams); err != nil || found.seq > 0 {
			return nil, err
		}
		return found.begin(secret, shards)
	}
	if _, err := streams.Transact(ctx, eventstream.Attribution{Actor: "system"}, decide); err != nil {
		return Directory{}, fmt.Errorf("open the directory: %w", err)
	}
	return found.directory(secret)
}

// storeFacts is the fold of the stream store.
type storeFacts struct {
	seq      eventstream.Seq
	epoch    string
	shards   domain.SetShards
	secretID string
	closed   bool
}

func readStoreFacts(ctx context.Context, streams *eventstream.Streams) (storeFacts, error) {
	var facts storeFacts
	for commit, err := range streams.Read(ctx, eventstream.StoreStream, 0) {
		if err != nil {
			return storeFacts{}, err
		}
		events, err := domain.DecodeEvents(commit.Data)
		if err != nil {
			return storeFacts{}, fmt.Errorf("commit %d of stream store: %w", commit.Seq, err)
		}
		if err := facts.apply(events); err != nil {
			return storeFacts{}, err
		}
		facts.seq = commit.Seq
	}
	return facts, nil
}

func (f *storeFacts) apply(events []domain.Event) error {
	for _, event := range events {
		switch e := event.(type) {
		case domain.SetEpoch:
			f.epoch, f.closed = e.Epoch, false
		case domain.SetShards:
			f.shards = e
		case domain.SetClaimKeyID:
			f.secretID = e.ID
		case domain.SetClosed:
			f.closed = e.Closed
		default:
			return fmt.Errorf("%w: a store has no %s", domain.ErrUnknownEvent, domain.TypeOf(event))
		}
	}
	return nil
}

// begin sets the facts of a new store and gives the entry that writes them.
func (f *storeFacts) begin(secret domain.ClaimSecret, shards int) ([]eventstream.Entry, error) {
	if shards < 1 {
		return nil, fmt.Errorf("%d shards: a directory has at least one", shards)
	}
	var epoch eventstream.Epoch
	_, _ = rand.Read(epoch[:]) // it never fails
	events := []domain.Event{
		domain.SetEpoch{Epoch: epoch.String()},
		domain.SetShards{Users: shards, Groups: shards},
		domain.SetClaimKeyID{ID: secret.ID()},
	}
	if err := f.apply(events); err != nil {
		return nil, err
	}
	data, err := domain.EncodeEvents(events)
	return []eventstream.Entry{{Stream: eventstream.StoreStream, Expect: eventstream.Empty(), Data: data}}, err
}

func (f *storeFacts) directory(secret domain.ClaimSecret) (Directory, error) {
	switch {
	case f.secretID != secret.ID():
		return Directory{}, ErrForeignSecret
	case f.shards.Users < 1 || f.shards.Groups < 1:
		return Directory{}, fmt.Errorf("%w: stream store names no shards", eventstream.ErrCorrupt)
	}
	epoch, err := eventstream.ParseEpoch(f.epoch)
	if err != nil {
		return Directory{}, fmt.Errorf("%w: stream store: %w", eventstream.ErrCorrupt, err)
	}
	return Directory{Epoch: epoch, UserShards: f.shards.Users, GroupShards: f.shards.Groups, Secret: secret, Closed: f.closed}, nil
}
