package dynamoview

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// Standing tells how far the stream's row has got, up to where that was
// announced, and whether memberships that ended with it are yet to be tidied.
func (v *View) Standing(ctx context.Context, stream eventstream.StreamID) (seq, announced eventstream.Seq, untidy bool, err error) {
	key, shown := v.keyOf(stream)
	if !shown {
		return 0, 0, false, nil
	}
	found, err := v.get(ctx, key, "n", "a", "x", "t")
	if err != nil {
		return 0, 0, false, err
	}
	n, nErr := found.number("n")
	a, aErr := found.number("a")
	if kind := stream.Kind(); kind == eventstream.UserKind || kind == eventstream.GroupKind {
		untidy = found["x"] != nil && found["t"] == nil
	}
	return eventstream.Seq(n), eventstream.Seq(a), untidy, errors.Join(nErr, aErr)
}

// SetAnnounced notes that a row was announced up to the number, unless it was
// announced further.
func (v *View) SetAnnounced(ctx context.Context, position eventstream.Position) error {
	key, shown := v.keyOf(position.Stream)
	if !shown {
		return ErrNotShown
	}
	set := item{}
	set.setNumber("a", uint64(position.Seq))
	err := v.make(ctx, "note what was announced", &change{
		key: key, set: set, condition: "attribute_exists(n) AND (attribute_not_exists(a) OR a < :a)",
	})
	return unlessMoved(err)
}

func unlessMoved(err error) error {
	if errors.Is(err, eventstream.ErrMoved) {
		return nil
	}
	return err
}

const markPartition = "mark"

func markKey(stream eventstream.StreamID) item {
	return item{"p": &types.AttributeValueMemberS{Value: markPartition}, "s": &types.AttributeValueMemberS{Value: string(stream)}}
}

// Mark is up to where a users/{n} or groups/{n} was handled.
func (v *View) Mark(ctx context.Context, stream eventstream.StreamID) (eventstream.Seq, error) {
	found, err := v.get(ctx, markKey(stream))
	if err != nil {
		return 0, err
	}
	mark, err := found.number("n")
	return eventstream.Seq(mark), err
}

// SetMark raises what Mark tells.
func (v *View) SetMark(ctx context.Context, position eventstream.Position) error {
	set := item{}
	set.setNumber("n", uint64(position.Seq))
	return unlessMoved(v.make(ctx, "raise a mark", &change{
		key: markKey(position.Stream), set: set, condition: "attribute_not_exists(n) OR n < :n",
	}))
}
