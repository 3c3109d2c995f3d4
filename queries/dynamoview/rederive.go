package dynamoview

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// Rederive makes a stream's row what all of its commits say, whatever it said
// before, in one step; without any commits, it takes the row away. That the row
// was announced, and that what it left was tidied, is forgotten. The revision of
// the document that it is part of rises, so that an index takes it. If somebody
// else writes the row meanwhile nothing is changed, and the error is
// eventstream.ErrMoved.
func (v *View) Rederive(ctx context.Context, stream eventstream.StreamID, commits []eventstream.Commit) error {
	key, shown := v.keyOf(stream)
	if !shown {
		return ErrNotShown
	}
	stored, err := v.get(ctx, key)
	if err != nil {
		return err
	}
	at := standing{key: key, n: stored["n"]}
	if len(commits) == 0 {
		err = v.drop(ctx, stream, at)
	} else {
		err = v.rederive(ctx, stream, at, commits)
	}
	if err != nil {
		return fmt.Errorf("make a row of kind %s anew: %w", stream.Kind(), err)
	}
	return nil
}

// standing is where a row was when it was read, though it may say nonsense.
type standing struct {
	key item
	n   types.AttributeValue
}

// condition is that the row is there still.
func (s standing) condition() (string, item) {
	if s.n == nil {
		return "attribute_not_exists(n)", item{}
	}
	return "n = :before", item{":before": s.n}
}

// seq is the number of the row, 0 if it is none.
func (s standing) seq() uint64 {
	n, _ := item{"n": s.n}.number("n")
	return n
}

func (v *View) rederive(ctx context.Context, stream eventstream.StreamID, at standing, commits []eventstream.Commit) error {
	id, _ := stream.UUID()
	switch stream.Kind() {
	case eventstream.MemberKind:
		return v.rederiveEdge(ctx, stream, at, commits)
	case eventstream.UserKind:
		return rederiveEntity(ctx, v, userEntity(id), at, commits)
	case eventstream.GroupKind:
		return rederiveEntity(ctx, v, groupEntity(id), at, commits)
	default:
		return rederiveEntity(ctx, v, keyEntity(id), at, commits)
	}
}

func rederiveEntity[E any](ctx context.Context, v *View, e *entity[E], at standing, commits []eventstream.Commit) error {
	if err := fold(0, e.apply, commits); err != nil {
		return err
	}
	made, err := e.change(at.key)
	if err != nil {
		return err
	}
	made.condition, made.values = at.condition()
	made.remove = append(made.remove, "a", "t")
	if before := at.seq(); before >= e.root.Seq {
		made.add = item{}
		made.add.setNumber("r", before-e.root.Seq+1)
	}
	return v.make(ctx, "write a row anew", made)
}

func (v *View) rederiveEdge(ctx context.Context, stream eventstream.StreamID, at standing, commits []eventstream.Commit) error {
	group, member, _ := stream.Edge()
	edge := domain.Membership{Group: domain.GroupID{UUID: group}, Member: member}
	if err := fold(0, edge.Apply, commits); err != nil {
		return err
	}
	forthKey, backKey := edgeKeys(edge.Group, member)
	forth, back := edgeChange(forthKey, &edge), edgeChange(backKey, &edge)
	forth.condition, forth.values = at.condition()
	forth.remove = append(forth.remove, "a")
	return v.makeAll(ctx, "write a membership anew", forth, back, v.counting(&edge, 1))
}

// drop takes away a row of a stream that has no commit.
func (v *View) drop(ctx context.Context, stream eventstream.StreamID, at standing) error {
	condition, values := at.condition()
	if len(values) == 0 {
		values = nil
	}
	keys := []item{at.key}
	if group, member, is := stream.Edge(); is {
		_, back := edgeKeys(domain.GroupID{UUID: group}, member)
		keys = append(keys, back)
	}
	input := &dynamodb.TransactWriteItemsInput{}
	for i, key := range keys {
		one := &types.Delete{TableName: &v.options.Table, Key: key}
		if i == 0 {
			one.ConditionExpression, one.ExpressionAttributeValues = &condition, values
		}
		input.TransactItems = append(input.TransactItems, types.TransactWriteItem{Delete: one})
	}
	return v.undisturbed(ctx, "take a row away", func() error {
		_, err := v.client.TransactWriteItems(ctx, input)
		return err
	})
}

// Unmark forgets up to where a users/{n} or groups/{n} was handled.
func (v *View) Unmark(ctx context.Context, stream eventstream.StreamID) error {
	_, err := v.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: &v.options.Table, Key: markKey(stream)})
	if err != nil {
		return unavailable("forget a mark", err)
	}
	return nil
}
