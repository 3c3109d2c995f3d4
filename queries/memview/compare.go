package memview

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"runtime"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// CompareOptions say how views are compared. Settle and End are required.
type CompareOptions struct {
	// End is where the log ends: no view shows what is behind it.
	End func() uint64
	// Settle brings both views to where they show the stream at the number;
	// eventstream.LogStream is the log. Views are written to while they are compared.
	Settle func(ctx context.Context, stream eventstream.StreamID, seq eventstream.Seq) error
	// Pause is called now and then, by several goroutines; it may wait to leave the
	// machine to others.
	Pause func(ctx context.Context) error
	// Progress is told how much is done; it may be called concurrently.
	Progress func(done, total uint64)
	// Samples is how many entities are also compared field by field, as readers see
	// them, with the lists they are in; 256 if zero.
	Samples int
}

// Comparison is what came of comparing two views.
type Comparison struct {
	// Compared counts rows, Sampled entities.
	Compared uint64
	Sampled  int
	// Differing counts what differs; Differences are some of that.
	Differing   uint64
	Differences []Difference
}

// Difference names what differs between two views, and how far it had got, but no
// values.
type Difference struct {
	Stream eventstream.StreamID
	Seq    eventstream.Seq
	Fields []string
}

// errUnsettled is why a comparison could not be made.
var errUnsettled = errors.New("a row changes too fast to be compared")

// comparing is one run of Compare.
type comparing struct {
	a, b    *View
	seed    maphash.Seed
	options CompareOptions
	found   Comparison
	// differing are rows that differ, some of them if they are many.
	differing map[rowKey]struct{}
	done      atomic.Uint64
}

// Compare tells where two views say different things, removed entities and former
// memberships included. Both may be written to meanwhile: rows that differ are
// brought to one number and compared again, so that what is found differs at the
// same number, or is stuck at different ones. Rows are compared by the number and
// the sum of the hashes in each of Buckets buckets, and one by one where these
// differ.
func Compare(ctx context.Context, a, b *View, options CompareOptions) (Comparison, error) {
	options.fill()
	c := &comparing{a: a, b: b, seed: maphash.MakeSeed(), options: options, differing: map[rowKey]struct{}{}}
	sumsA, err := c.digest(ctx, a)
	if err != nil {
		return c.found, err
	}
	sumsB, err := c.digest(ctx, b)
	if err != nil {
		return c.found, err
	}
	var differing []uint8
	for i := range sumsA {
		c.found.Compared += sumsA[i].count
		if sumsA[i] != sumsB[i] {
			differing = append(differing, uint8(i))
		}
	}
	if err := c.searchAll(ctx, differing); err != nil {
		return c.found, err
	}
	return c.found, c.sample(ctx)
}

func (o *CompareOptions) fill() {
	if o.Pause == nil {
		o.Pause = func(ctx context.Context) error { return ctx.Err() }
	}
	if o.Progress == nil {
		o.Progress = func(uint64, uint64) {}
	}
	if o.Samples == 0 {
		o.Samples = 256
	}
}

// overShards calls do for each shard, on all processors.
func (c *comparing) overShards(ctx context.Context, do func(shard int) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for shard := range shardCount {
		group.Go(func() error {
			if err := c.options.Pause(ctx); err != nil {
				return err
			}
			return do(shard)
		})
	}
	return group.Wait()
}

func (c *comparing) digest(ctx context.Context, v *View) (*digests, error) {
	parts := new([shardCount]digests)
	err := c.overShards(ctx, func(shard int) error {
		v.eachRow(shard, v.digester(c.seed), parts[shard].add)
		c.options.Progress(c.done.Add(1), 2*shardCount)
		return nil
	})
	if err != nil {
		return nil, err
	}
	all := &parts[0]
	v.eachKey(v.digester(c.seed), all.add)
	for i := range parts[1:] {
		for at := range all {
			all[at].count += parts[1+i][at].count
			all[at].sum += parts[1+i][at].sum
		}
	}
	return all, nil
}

// atOnce is how many buckets' rows are held in memory at a time.
const atOnce = 32

func (c *comparing) searchAll(ctx context.Context, buckets []uint8) error {
	for len(buckets) > 0 {
		some := buckets[:min(len(buckets), atOnce)]
		buckets = buckets[len(some):]
		if err := c.search(ctx, some); err != nil {
			return err
		}
	}
	return nil
}

// search compares the rows of some buckets one by one.
func (c *comparing) search(ctx context.Context, buckets []uint8) error {
	var wanted [Buckets]bool
	for _, b := range buckets {
		wanted[b] = true
	}
	rowsA, err := c.collect(ctx, c.a, &wanted)
	if err != nil {
		return err
	}
	rowsB, err := c.collect(ctx, c.b, &wanted)
	if err != nil {
		return err
	}
	for k, sum := range rowsA {
		if other, there := rowsB[k]; !there || other != sum {
			if err := c.compare(ctx, &k); err != nil {
				return err
			}
		}
	}
	for k := range rowsB {
		if _, there := rowsA[k]; !there {
			if err := c.compare(ctx, &k); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *comparing) collect(ctx context.Context, v *View, wanted *[Buckets]bool) (map[rowKey]uint64, error) {
	rows := map[rowKey]uint64{}
	d := v.digester(c.seed)
	take := func(k *rowKey, sum uint64) {
		if wanted[k.bucket()] {
			rows[*k] = sum
		}
	}
	for shard := range shardCount {
		if err := c.options.Pause(ctx); err != nil {
			return nil, err
		}
		v.eachRow(shard, d, take)
	}
	v.eachKey(d, take)
	return rows, nil
}

// attempts is how often one row is compared while it keeps moving.
const attempts = 1000

// compare compares one row until both views have it at one number.
func (c *comparing) compare(ctx context.Context, k *rowKey) error {
	a, b := c.a.digester(c.seed), c.b.digester(c.seed)
	for range attempts {
		seqA, sumA := c.a.sumOf(k, a)
		seqB, sumB := c.b.sumOf(k, b)
		if sumA == sumB {
			return nil
		}
		if seqA == seqB {
			if _, still := c.a.sumOf(k, a); still == sumA {
				c.differs(k, seqA, c.fields(k)...)
				return nil
			}
			continue
		}
		err := c.options.Settle(ctx, k.stream(), eventstream.Seq(max(seqA, seqB)))
		if errors.Is(err, eventstream.ErrParked) || errors.Is(err, eventstream.ErrUnknownPosition) {
			c.differs(k, min(seqA, seqB), "seq")
			return nil
		}
		if err != nil {
			return fmt.Errorf("bring a row of both views to one number: %w", err)
		}
	}
	return errUnsettled
}

// remembered is how many rows that differ are remembered, so that they are not
// counted again when they are sampled.
const remembered = 10_000

func (c *comparing) differs(k *rowKey, seq uint64, fields ...string) {
	c.found.Add(k.stream(), eventstream.Seq(seq), fields...)
	if len(c.differing) < remembered {
		c.differing[*k] = struct{}{}
	}
}

// shown is how many differences are named at most.
const shown = 100

// Add notes a difference.
func (c *Comparison) Add(stream eventstream.StreamID, seq eventstream.Seq, fields ...string) {
	if c.Differing++; len(c.Differences) < shown {
		c.Differences = append(c.Differences, Difference{stream, seq, fields})
	}
}
