// Package changefeed reads the change feed of a store, its streams changes/{n},
// for shardfeed: each of them is a shard that never ends and loses nothing.
package changefeed

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/seed5b6a70b4/identity/eventstream"
	querysync "github.com/seed5b6a70b4/identity/sync"
	"github.com/seed5b6a70b4/identity/sync/shardfeed"
)

// pageCommits is the most commits that one page is made of. Each holds up to a few
// hundred notices.
const pageCommits = 16

// Source is a shardfeed.Source whose positions are those that notices tell of. The
// sequence number of a record is the number of its commit.
type Source struct {
	streams *eventstream.Streams
	changes *querysync.Changes
}

// New makes a source of a store's change feed.
func New(streams *eventstream.Streams, changes *querysync.Changes) *Source {
	return &Source{streams, changes}
}

// Shards implements shardfeed.Source.
func (s *Source) Shards(context.Context) (shardfeed.Listing, error) {
	var listing shardfeed.Listing
	for _, stream := range s.changes.Streams() {
		listing.Shards = append(listing.Shards, shardfeed.Shard{ID: string(stream)})
	}
	return listing, nil
}

// iterators are "{stream}@{number}".
const at = "@"

// Open implements shardfeed.Source. Nothing is asked of the store.
func (s *Source) Open(_ context.Context, shard, after string) (iterator string, err error) {
	if after == "" {
		after = "0"
	}
	return shard + at + after, nil
}

// Read implements shardfeed.Source.
func (s *Source) Read(ctx context.Context, iterator string) (shardfeed.Page, error) {
	stream, after, _ := strings.Cut(iterator, at)
	seq, err := strconv.ParseUint(after, 10, 64)
	if err != nil {
		return shardfeed.Page{}, fmt.Errorf("an iterator of the change feed: %w", err)
	}
	began := time.Now()
	page, commits := shardfeed.Page{Next: iterator}, 0
	for commit, err := range s.streams.Read(ctx, eventstream.StreamID(stream), eventstream.Seq(seq)) {
		if err != nil {
			return shardfeed.Page{}, fmt.Errorf("read the change feed: %w", err)
		}
		notices, err := querysync.DecodeNotices(&commit)
		if err != nil {
			return shardfeed.Page{}, err
		}
		page.Positions = append(page.Positions, querysync.Positions(notices)...)
		page.Last = strconv.FormatUint(uint64(commit.Seq), 10)
		page.Next = stream + at + page.Last
		page.Behind = began.Sub(commit.Time)
		if commits++; commits == pageCommits {
			page.More = true
			return page, nil
		}
	}
	page.Behind, page.Until = 0, began
	return page, nil
}

// Reached gives up to where each part of the change feed was handled, as the
// leases of those who read it say.
func Reached(ctx context.Context, leases shardfeed.Leases) (eventstream.Token, error) {
	all, err := leases.List(ctx)
	if err != nil {
		return nil, fmt.Errorf("read how far the change feed was handled: %w", err)
	}
	positions := make([]eventstream.Position, 0, len(all))
	for _, lease := range all {
		if lease.Checkpoint == "" {
			continue
		}
		seq, err := strconv.ParseUint(lease.Checkpoint, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("the checkpoint of %s: %w", lease.Shard, err)
		}
		positions = append(positions, eventstream.Position{Stream: eventstream.StreamID(lease.Shard), Seq: eventstream.Seq(seq)})
	}
	return eventstream.NewToken(positions...), nil
}
