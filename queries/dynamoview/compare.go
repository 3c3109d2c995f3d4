package dynamoview

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// buckets is over how many sums rows are spread: few rows are looked at once more
// because of one that was being written.
const buckets = 4096

// atOnceHeld is about how many rows are held in memory to be compared one by one.
const atOnceHeld = 500_000

// CompareOptions adjust a comparison. The zero value is good.
type CompareOptions struct {
	// Patience is how long a row that is behind in one of the views is waited for,
	// which both are on their way to: 30 seconds if zero.
	Patience time.Duration
	// Pace is called with how many rows were read and may wait; nil does not.
	Pace func(ctx context.Context, rows int) error
	// Progress is told how many rows were read by now.
	Progress func(rows uint64)
	// Most is how many differences are told of by name: 100 if zero.
	Most int
}

// Comparison is what came of one.
type Comparison struct {
	// Rows is how many there are, of either view the more.
	Rows uint64
	// Buckets is how many sums were compared, and Sampled how many rows were field by
	// field whatever the sums said.
	Buckets, Sampled int
	// Differing is how many rows differ though both are at the same commit, or one did
	// not get to where the other is. Different are some of them.
	Differing uint64
	Different []Difference
}

// Difference is of one row: what differs, never what it says.
type Difference struct {
	Stream eventstream.StreamID
	Seq    uint64
	Fields []string
}

// tally is the rows of a bucket: how many, and the sum of their hashes, whose
// order has no part in it.
type tally struct{ count, sum uint64 }

// Compare compares two views that follow the same streams, while they do: counts
// and hashes of buckets first, and then whatever differs one by one, until both
// have the same or differ at the same commit.
func Compare(ctx context.Context, a, b *View, options CompareOptions) (Comparison, error) {
	c := &comparing{views: [2]*View{a, b}, options: options, samples: map[eventstream.StreamID]bool{}, told: map[eventstream.StreamID]bool{}}
	c.options.Patience = cmp.Or(options.Patience, 30*time.Second)
	c.options.Most = cmp.Or(options.Most, 100)
	var sums [2][]tally
	for i, v := range c.views {
		var err error
		if sums[i], err = c.tallies(ctx, v); err != nil {
			return Comparison{}, err
		}
	}
	var counts [2]uint64
	var differing []int
	for bucket := range buckets {
		for i := range sums {
			counts[i] += sums[i][bucket].count
		}
		if sums[0][bucket] != sums[1][bucket] {
			differing = append(differing, bucket)
		}
	}
	c.result.Rows, c.result.Buckets, c.result.Sampled = max(counts[0], counts[1]), buckets, len(c.samples)
	if err := c.settleAll(ctx, c.samples); err != nil {
		return Comparison{}, err
	}
	perBucket := int(c.result.Rows/buckets) + 1
	for some := range slices.Chunk(differing, max(1, atOnceHeld/perBucket)) {
		if err := c.settleBuckets(ctx, some); err != nil {
			return Comparison{}, err
		}
	}
	slices.SortFunc(c.result.Different, func(x, y Difference) int { return strings.Compare(string(x.Stream), string(y.Stream)) })
	return c.result, nil
}

type comparing struct {
	views   [2]*View
	options CompareOptions
	rows    atomic.Uint64

	mu     sync.Mutex
	result Comparison
	// samples are some streams, those in a few of the buckets.
	samples map[eventstream.StreamID]bool
	// told are streams that differ.
	told map[eventstream.StreamID]bool
}

// A bucket in sampledBuckets is looked at row by row, until there are enough.
const (
	sampledBuckets = 16
	mostSamples    = 200
)

// read reads all rows of a view.
func (c *comparing) read(ctx context.Context, v *View, take func(segment int, p place)) error {
	return v.eachRow(ctx, func(ctx context.Context, rows int) error {
		read := c.rows.Add(uint64(rows))
		if c.options.Progress != nil {
			c.options.Progress(read)
		}
		if c.options.Pace == nil {
			return nil
		}
		return c.options.Pace(ctx, rows)
	}, take)
}

func (c *comparing) tallies(ctx context.Context, v *View) ([]tally, error) {
	of := make([][]tally, segments)
	for i := range of {
		of[i] = make([]tally, buckets)
	}
	err := c.read(ctx, v, func(segment int, p place) {
		bucket := p.bucketOf()
		if bucket%sampledBuckets == 0 {
			c.sample(p.stream)
		}
		t := &of[segment][bucket]
		t.count++
		t.sum += p.hash
	})
	for _, more := range of[1:] {
		for bucket := range more {
			of[0][bucket].count += more[bucket].count
			of[0][bucket].sum += more[bucket].sum
		}
	}
	return of[0], err
}

// settleBuckets reads the rows of some buckets of both views, and settles those
// that differ.
func (c *comparing) settleBuckets(ctx context.Context, some []int) error {
	var wanted [buckets]bool
	for _, bucket := range some {
		wanted[bucket] = true
	}
	var held [2]map[string]uint64
	streams := map[string]eventstream.StreamID{}
	for i, v := range c.views {
		var mu sync.Mutex
		held[i] = map[string]uint64{}
		err := c.read(ctx, v, func(_ int, p place) {
			if !wanted[p.bucketOf()] {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			held[i][p.key()] = p.hash
			streams[p.key()] = p.stream
		})
		if err != nil {
			return err
		}
	}
	differing := map[eventstream.StreamID]bool{}
	for key, stream := range streams {
		one, inOne := held[0][key]
		other, inOther := held[1][key]
		if inOne != inOther || one != other {
			differing[stream] = true
		}
	}
	return c.settleAll(ctx, differing)
}

func (c *comparing) sample(stream eventstream.StreamID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.samples) < mostSamples {
		c.samples[stream] = true
	}
}

func (c *comparing) settleAll(ctx context.Context, streams map[eventstream.StreamID]bool) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(writers)
	for stream := range streams {
		group.Go(func() error { return c.settle(ctx, stream) })
	}
	return group.Wait()
}

// settle reads a row of both views until they agree, or differ at the same commit.
func (c *comparing) settle(ctx context.Context, stream eventstream.StreamID) error {
	began := time.Now()
	for attempt := 6; ; attempt++ {
		one, err := c.views[0].fieldsOf(ctx, stream)
		if err != nil {
			return err
		}
		other, err := c.views[1].fieldsOf(ctx, stream)
		if err != nil {
			return err
		}
		unlike := differences(one, other)
		// That a membership is there says its end's row too.
		late := one["seq"] != other["seq"] || slices.Equal(unlike, []string{"present"})
		switch {
		case len(unlike) == 0:
			return nil
		case !late && attempt > 6, late && time.Since(began) > c.options.Patience:
			c.add(stream, one, unlike)
			return nil
		}
		if err := pause(ctx, attempt); err != nil {
			return err
		}
	}
}

func (c *comparing) add(stream eventstream.StreamID, row map[string]string, unlike []string) {
	seq, _ := strconv.ParseUint(row["seq"], 10, 64) // it was written by fieldsOf
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.told[stream] {
		return
	}
	c.told[stream] = true
	if c.result.Differing++; len(c.result.Different) < c.options.Most {
		c.result.Different = append(c.result.Different, Difference{stream, seq, unlike})
	}
}

// differences names the fields that are not the same.
func differences(one, other map[string]string) []string {
	names := map[string]bool{}
	for name, value := range one {
		names[name] = names[name] || other[name] != value
	}
	for name, value := range other {
		names[name] = names[name] || one[name] != value
	}
	maps.DeleteFunc(names, func(_ string, unlike bool) bool { return !unlike })
	return slices.Sorted(maps.Keys(names))
}

// fieldsOf gives what a row says, by name.
func (v *View) fieldsOf(ctx context.Context, stream eventstream.StreamID) (map[string]string, error) {
	if group, member, is := stream.Edge(); is {
		return v.fieldsOfEdge(ctx, domain.GroupID{UUID: group}, member)
	}
	key, _ := v.keyOf(stream)
	stored, err := v.get(ctx, key)
	if err != nil {
		return nil, err
	}
	fields := map[string]string{"seq": number(stored, "n"), "createdAt": number(stored, "c"), "updatedAt": number(stored, "u")}
	if stored["x"] != nil {
		fields["hidden"] = "true"
	}
	facts, err := domain.DecodeEvents([]byte(stored.text("f")))
	if stored["f"] == nil {
		return fields, nil
	}
	if err != nil {
		fields["facts"] = stored.text("f")
		return fields, nil
	}
	for _, fact := range facts {
		encoded, err := domain.EncodeEvents([]domain.Event{fact})
		if err != nil {
			return nil, err
		}
		fields[strings.TrimPrefix(fmt.Sprintf("%T", fact), "domain.")] += string(encoded)
	}
	return fields, nil
}

// fieldsOfEdge gives what a membership says, as it is answered, in its group and in
// its member.
func (v *View) fieldsOfEdge(ctx context.Context, group domain.GroupID, member uuid.UUID) (map[string]string, error) {
	edge, err := v.Membership(ctx, group, member)
	if err != nil {
		return nil, err
	}
	_, back := edgeKeys(group, member)
	stored, err := v.get(ctx, back, "n", "k", "u")
	if err != nil {
		return nil, err
	}
	return map[string]string{
		"seq": fmt.Sprint(edge.Seq), "kind": string(edge.Kind), "present": fmt.Sprint(edge.Present), "since": fmt.Sprint(edge.Since.UnixMilli()),
		"seq in the member": number(stored, "n"), "kind in the member": stored.text("k"), "since in the member": number(stored, "u"),
	}, nil
}

func number(stored item, name string) string {
	value, _ := stored.number(name)
	return fmt.Sprint(value)
}
