package dynamoview

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// place is a row as it is compared: whose it is, and a hash of what the streams say
// of it, how far they were read among that. What the table alone knows, as up to where the row was
// announced, is no part of that.
type place struct {
	stream eventstream.StreamID
	// back tells that it is the membership's second item, in its member.
	back bool
	hash uint64
}

// key tells rows apart.
func (p *place) key() string {
	if p.back {
		return "<" + string(p.stream)
	}
	return string(p.stream)
}

// bucketOf spreads rows over buckets, by what tells them apart.
func (p *place) bucketOf() int {
	sum := fnv.New64a()
	_, _ = sum.Write([]byte(p.key()))
	return int(mixed(sum.Sum64()) % buckets)
}

// mixed makes every bit of a sum depend on all of them.
func mixed(x uint64) uint64 {
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	return x
}

// segments is over how many readers a table is spread.
const segments = 8

// eachRow gives every row of a table that was there when the call began, and
// perhaps later ones, in no order, to as many readers at once as it has segments.
// Every page is read consistently. Marks are none, and members that are not known
// yet.
func (v *View) eachRow(ctx context.Context, pace func(context.Context, int) error, take func(segment int, p place)) error {
	group, ctx := errgroup.WithContext(ctx)
	for segment := range segments {
		group.Go(func() error { return v.eachRowOf(ctx, segment, pace, take) })
	}
	return group.Wait()
}

func (v *View) eachRowOf(ctx context.Context, segment int, pace func(context.Context, int) error, take func(int, place)) error {
	of, total := int32(segment), int32(segments)
	input := &dynamodb.ScanInput{TableName: &v.options.Table, ConsistentRead: &always, Segment: &of, TotalSegments: &total}
	input.ProjectionExpression, input.ExpressionAttributeNames = projection([]string{"p", "s", "n", "f", "c", "u", "k", "l", "x", "e"})
	pages := dynamodb.NewScanPaginator(v.client, input)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return unavailable("read all rows", err)
		}
		rows := 0
		for _, stored := range page.Items {
			p, is, err := placeOf(stored)
			if err != nil {
				return err
			}
			if is {
				take(segment, p)
				rows++
			}
		}
		if err := pace(ctx, rows); err != nil {
			return err
		}
	}
	return nil
}

// placeOf makes of an item what is compared of it.
func placeOf(stored item) (p place, is bool, err error) {
	partition := stored.text("p")
	if partition == markPartition || stored["n"] == nil {
		return p, false, nil
	}
	id, err := stored.id()
	if err != nil {
		return p, false, fmt.Errorf("%w: %w", errDamagedRow, err)
	}
	kind, owner, _ := strings.Cut(partition, "#")
	switch kind {
	case "members", "groups":
		of, err := uuid.Parse(owner)
		if err != nil {
			return p, false, fmt.Errorf("%w: whose membership it is", errDamagedRow)
		}
		group, member := of, id
		if p.back = kind == "groups"; p.back {
			group, member = id, of
		}
		p.stream = eventstream.MemberStream(group, member)
		p.hash = stored.sum("n", "k", "u", "l") ^ presence(stored)
	case keyPartition:
		p.stream = eventstream.KeyStream(id)
		p.hash = stored.sum("n", "c", "u", "f") ^ hiding(stored)
	case string(eventstream.UserKind):
		p.stream = eventstream.UserStream(id)
		p.hash = stored.sum("n", "c", "u", "f") ^ hiding(stored)
	case string(eventstream.GroupKind):
		p.stream = eventstream.GroupStream(id)
		p.hash = stored.sum("n", "c", "u", "f") ^ hiding(stored)
	default:
		return p, false, fmt.Errorf("%w: of an unknown kind", errDamagedRow)
	}
	return p, true, nil
}

// presence is of a membership whether its own stream says that it is there: one
// that ended with its end is, as far as that goes.
func presence(stored item) uint64 {
	if stored["x"] == nil || stored["e"] != nil {
		return 1
	}
	return 2
}

func hiding(stored item) uint64 {
	if stored["x"] == nil {
		return 1
	}
	return 2
}

// sum is a hash of some attributes.
func (i item) sum(names ...string) uint64 {
	hash := fnv.New64a()
	for _, name := range names {
		var text string
		switch value := i[name].(type) {
		case *types.AttributeValueMemberS:
			text = value.Value
		case *types.AttributeValueMemberN:
			text = value.Value
		}
		_, _ = hash.Write(binary.BigEndian.AppendUint32(nil, uint32(len(text))))
		_, _ = hash.Write([]byte(text))
	}
	return mixed(hash.Sum64()) &^ 3
}
