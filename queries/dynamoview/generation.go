package dynamoview

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// makingTime bounds how long a table is waited for.
const makingTime = 5 * time.Minute

// Prepare makes the view's table unless it is there, and waits until it can be
// used.
func (v *View) Prepare(ctx context.Context) error {
	_, err := v.client.CreateTable(ctx, Table(v.options.Table))
	var exists *types.ResourceInUseException
	if err != nil && !errors.As(err, &exists) {
		return unavailable("make the table "+v.options.Table, err)
	}
	waiter := dynamodb.NewTableExistsWaiter(v.client)
	if err := waiter.Wait(ctx, &dynamodb.DescribeTableInput{TableName: &v.options.Table}, makingTime); err != nil {
		return unavailable("wait for the table "+v.options.Table, err)
	}
	return nil
}

// Remove deletes the view's table, if it is there. Nothing may be asked of the
// view any more.
func (v *View) Remove(ctx context.Context) error {
	_, err := v.client.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: &v.options.Table})
	var none *types.ResourceNotFoundException
	if err != nil && !errors.As(err, &none) {
		return unavailable("delete the table "+v.options.Table, err)
	}
	return nil
}

// CopyMarks sets the marks of another view, in which everything up to them is. This
// one must be brought to all of that before anybody is answered from it.
func (v *View) CopyMarks(ctx context.Context, from *View) error {
	values := item{}
	values.setText(":p", markPartition)
	pages := dynamodb.NewQueryPaginator(from.client, &dynamodb.QueryInput{
		TableName: &from.options.Table, ConsistentRead: &always, KeyConditionExpression: &inPartition, ExpressionAttributeValues: values,
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return unavailable("read marks", err)
		}
		for _, stored := range page.Items {
			seq, err := item(stored).number("n")
			if err != nil {
				return fmt.Errorf("%w: %w", errDamagedRow, err)
			}
			position := eventstream.Position{Stream: eventstream.StreamID(item(stored).text("s")), Seq: eventstream.Seq(seq)}
			if err := v.SetMark(ctx, position); err != nil {
				return err
			}
		}
	}
	return nil
}

var (
	always      = true
	inPartition = "p = :p"
)
