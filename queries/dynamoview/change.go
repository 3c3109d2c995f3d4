package dynamoview

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// change is what is done to one item: attributes set, removed or added to, under
// a condition whose values are among them.
type change struct {
	key       item
	set       item
	remove    []string
	add       item
	condition string
	values    item
}

// hide takes the item out of lists, or brings it back.
func (c *change) hide(hidden bool) {
	if hidden {
		c.set["x"] = &types.AttributeValueMemberBOOL{Value: true}
	} else {
		c.remove = append(c.remove, "x")
	}
}

// expression is the change as DynamoDB reads it.
func (c *change) expression() (update string, values item) {
	values = item{}
	for name, value := range c.values {
		values[name] = value
	}
	clause := func(word, sign string, attributes item) {
		var parts []string
		for name, value := range attributes {
			parts = append(parts, name+sign+":"+name)
			values[":"+name] = value
		}
		if slices.Sort(parts); len(parts) > 0 {
			update += word + strings.Join(parts, ", ") + " "
		}
	}
	clause("SET ", " = ", c.set)
	clause("ADD ", " ", c.add)
	if len(c.remove) > 0 {
		update += "REMOVE " + strings.Join(c.remove, ", ")
	}
	return strings.TrimSpace(update), values
}

func (c *change) of(table *string) *types.Update {
	update, values := c.expression()
	made := &types.Update{TableName: table, Key: c.key, UpdateExpression: &update, ExpressionAttributeValues: values}
	if c.condition != "" {
		made.ConditionExpression = &c.condition
	}
	return made
}

// make does one change; eventstream.ErrMoved says that its condition does not
// hold.
func (v *View) make(ctx context.Context, attempted string, c *change) error {
	u := c.of(&v.options.Table)
	input := &dynamodb.UpdateItemInput{
		TableName: u.TableName, Key: u.Key, UpdateExpression: u.UpdateExpression,
		ConditionExpression: u.ConditionExpression, ExpressionAttributeValues: u.ExpressionAttributeValues,
	}
	return v.undisturbed(ctx, attempted, func() error {
		_, err := v.client.UpdateItem(ctx, input)
		return err
	})
}

// makeAll does all changes or none; eventstream.ErrMoved says that a condition
// does not hold.
func (v *View) makeAll(ctx context.Context, attempted string, changes ...*change) error {
	input := &dynamodb.TransactWriteItemsInput{}
	for _, c := range changes {
		input.TransactItems = append(input.TransactItems, types.TransactWriteItem{Update: c.of(&v.options.Table)})
	}
	return v.undisturbed(ctx, attempted, func() error {
		_, err := v.client.TransactWriteItems(ctx, input)
		return err
	})
}

// How often a write is tried while others write to the same items.
const (
	conflictAttempts = 10
	conflictPause    = 5 * time.Millisecond
)

// undisturbed writes, again when another transaction was at the same items.
func (v *View) undisturbed(ctx context.Context, attempted string, write func() error) error {
	for attempt := 0; ; attempt++ {
		err := write()
		switch {
		case err == nil:
			return nil
		case conditionFailed(err):
			return eventstream.ErrMoved
		case !disturbed(err) || attempt == conflictAttempts:
			return unavailable(attempted, err)
		}
		if err := pause(ctx, attempt); err != nil {
			return unavailable(attempted, err)
		}
	}
}

// pause waits before another attempt, at random and longer each time.
func pause(ctx context.Context, attempt int) error {
	timer := time.NewTimer(rand.N(conflictPause << min(attempt, 6)))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

func conditionFailed(err error) bool {
	var alone *types.ConditionalCheckFailedException
	return errors.As(err, &alone) || cancelledFor(err, "ConditionalCheckFailed")
}

func disturbed(err error) bool {
	var conflict *types.TransactionConflictException
	return errors.As(err, &conflict) || cancelledFor(err, "TransactionConflict")
}

// cancelledFor tells whether a transaction was cancelled for a reason.
func cancelledFor(err error, reason string) bool {
	var cancelled *types.TransactionCanceledException
	return errors.As(err, &cancelled) && slices.ContainsFunc(cancelled.CancellationReasons, func(r types.CancellationReason) bool {
		return aws.ToString(r.Code) == reason
	})
}
