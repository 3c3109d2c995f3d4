package dynamostore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/seed5b6a70b4/identity/eventstream"
)

type item = map[string]types.AttributeValue

// The attributes of an item. What is empty is left out, but for the data.
const (
	attrStream      = "p"  // S
	attrSeq         = "s"  // N
	attrTime        = "at" // N, milliseconds since 1970
	attrCommand     = "c"  // B, 16 bytes
	attrActor       = "a"  // S
	attrCorrelation = "r"  // S
	attrSiblings    = "g"  // B, for each: length of the stream, stream, number
	attrData        = "d"  // B
	attrPrevious    = "b"  // B, 32 bytes
	attrHash        = "h"  // B, 32 bytes
	attrHour        = "z"  // S, slice and hour: the hash key of the index
)

func text(value string) types.AttributeValue { return &types.AttributeValueMemberS{Value: value} }
func raw(value []byte) types.AttributeValue  { return &types.AttributeValueMemberB{Value: value} }

func seqValue(seq eventstream.Seq) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatUint(uint64(seq), 10)}
}

func timeValue(at time.Time) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(at.UnixMilli(), 10)}
}

// keyOf is the key of a commit's item.
func keyOf(stream eventstream.StreamID, seq eventstream.Seq) item {
	return item{attrStream: text(string(stream)), attrSeq: seqValue(seq)}
}

// encode makes the item of a commit.
func encode(c *eventstream.Commit, slices int) item {
	i := keyOf(c.Stream, c.Seq)
	i[attrTime] = timeValue(c.Time)
	i[attrCommand] = raw(c.Command[:])
	i[attrData] = raw(c.Data)
	i[attrHash] = raw(c.Hash[:])
	i[attrHour] = text(hourKey(sliceOf(c.Stream, slices), c.Time))
	if c.Actor != "" {
		i[attrActor] = text(c.Actor)
	}
	if c.Correlation != "" {
		i[attrCorrelation] = text(c.Correlation)
	}
	if c.Previous != (eventstream.Hash{}) {
		i[attrPrevious] = raw(c.Previous[:])
	}
	if len(c.Siblings) > 0 {
		i[attrSiblings] = raw(encodeSiblings(c.Siblings))
	}
	return i
}

// sliceOf tells in which of so many slices of the index a stream stands.
func sliceOf(stream eventstream.StreamID, slices int) int {
	hash := fnv.New32a()
	hash.Write([]byte(stream))
	return int(hash.Sum32() % uint32(slices))
}

// hourKey is the hash key of the index for a slice and the hour of an instant.
func hourKey(slice int, at time.Time) string {
	return strconv.Itoa(slice) + "#" + at.UTC().Format("2006010215")
}

func encodeSiblings(siblings []eventstream.Position) []byte {
	var to []byte
	for _, sibling := range siblings {
		to = binary.AppendUvarint(to, uint64(len(sibling.Stream)))
		to = append(to, sibling.Stream...)
		to = binary.AppendUvarint(to, uint64(sibling.Seq))
	}
	return to
}

func decodeSiblings(from []byte) ([]eventstream.Position, error) {
	var siblings []eventstream.Position
	for len(from) > 0 {
		length, n := binary.Uvarint(from)
		if n <= 0 || length > uint64(len(from)-n) {
			return nil, errors.New("a sibling's stream is cut off")
		}
		stream := string(from[n : n+int(length)])
		from = from[n+int(length):]
		seq, n := binary.Uvarint(from)
		if n <= 0 {
			return nil, errors.New("a sibling's number is cut off")
		}
		from = from[n:]
		siblings = append(siblings, eventstream.Position{Stream: eventstream.StreamID(stream), Seq: eventstream.Seq(seq)})
	}
	return siblings, nil
}

// decode makes the commit of an item. One that is not what was written is
// eventstream.ErrCorrupt.
func decode(i item) (eventstream.Commit, error) {
	c, err := parse(i)
	if err != nil {
		return eventstream.Commit{}, err
	}
	if c.Hash != c.ComputeHash() {
		return eventstream.Commit{}, fmt.Errorf("%w: commit %d of a stream of kind %s does not have its hash", eventstream.ErrCorrupt, c.Seq, c.Stream.Kind())
	}
	return c, nil
}

// parse is decode without a look at the hash. Of an item that is no commit it
// gives the position, as far as there is one.
func parse(i item) (eventstream.Commit, error) {
	r := itemReader{item: i}
	c := eventstream.Commit{
		Stream: eventstream.StreamID(r.text(attrStream)), Seq: eventstream.Seq(r.number(attrSeq)),
		Time:  time.UnixMilli(r.number(attrTime)).UTC(),
		Actor: r.text(attrActor), Correlation: r.text(attrCorrelation),
		Data: r.raw(attrData),
	}
	copy(c.Command[:], r.raw(attrCommand))
	copy(c.Previous[:], r.raw(attrPrevious))
	copy(c.Hash[:], r.raw(attrHash))
	siblings, err := decodeSiblings(r.raw(attrSiblings))
	if err = errors.Join(r.err, err); err != nil {
		return eventstream.Commit{Stream: c.Stream, Seq: c.Seq}, fmt.Errorf("%w: an item of kind %s: %w", eventstream.ErrCorrupt, c.Stream.Kind(), err)
	}
	c.Siblings = siblings
	return c, nil
}

// itemReader reads attributes and remembers what was wrong with them.
type itemReader struct {
	item item
	err  error
}

func (r *itemReader) text(name string) string {
	switch value := r.item[name].(type) {
	case *types.AttributeValueMemberS:
		return value.Value
	case nil:
		return ""
	}
	r.err = errors.New(name + " is no string")
	return ""
}

func (r *itemReader) raw(name string) []byte {
	switch value := r.item[name].(type) {
	case *types.AttributeValueMemberB:
		return value.Value
	case nil:
		return nil
	}
	r.err = errors.New(name + " is no binary")
	return nil
}

func (r *itemReader) number(name string) int64 {
	value, ok := r.item[name].(*types.AttributeValueMemberN)
	if ok {
		number, err := strconv.ParseInt(value.Value, 10, 64)
		if err == nil {
			return number
		}
	}
	r.err = errors.New(name + " is no number")
	return 0
}
