package shardtest

import (
	"context"
	"testing"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/sync/shardfeed"
)

// Harness makes streams of one kind for the kit.
type Harness struct {
	// New makes a stream, of several shards where that can be had.
	New func(t *testing.T) Stream
	// OneShard says why there is never more than one; empty if there can be.
	OneShard string
}

// Stream is a stream of records of its own, and leases for one group.
type Stream struct {
	// Source makes a source as another process would.
	Source func() shardfeed.Source
	Leases shardfeed.Leases
	// Write adds records of positions.
	Write func(ctx context.Context, positions []eventstream.Position) error
	// WriteUnknown adds records that tell of no commit, and says how many.
	WriteUnknown func(ctx context.Context) (int, error)
	// Reshard changes the shards: each call otherwise than the one before. It
	// returns when it is done. Nil if that cannot be had.
	Reshard func(ctx context.Context) error
}

// Run holds the sources to the contract, one sentence a subtest.
func Run(t *testing.T, h Harness) {
	for _, sentence := range []struct {
		says    string
		several bool // needs more than one shard
		test    func(*testing.T, Stream)
	}{
		{"every record is handed over", false, testDelivery},
		{"what a handler refused comes again", false, testRefused},
		{"records that tell of no commit are counted and left", false, testUnknown},
		{"a restart goes on where it was left", false, testRestart},
		{"a killed process is succeeded", false, testKilled},
		{"a second process takes half, and gives it back", true, testHalf},
		{"shards may be split and merged under load", true, testReshard},
	} {
		t.Run(sentence.says, func(t *testing.T) {
			if sentence.several && h.OneShard != "" {
				t.Skip(h.OneShard)
			}
			sentence.test(t, h.New(t))
		})
	}
}
