package dynamoview_test

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go/middleware"
)

// consistently fails every read that is not consistent: the server under test
// never shows anything stale, so nothing else would tell.
func consistently(stack *middleware.Stack) error {
	return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("consistently", func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
		consistent := true
		switch read := in.Parameters.(type) {
		case *dynamodb.GetItemInput:
			consistent = aws.ToBool(read.ConsistentRead)
		case *dynamodb.QueryInput:
			consistent = aws.ToBool(read.ConsistentRead)
		case *dynamodb.BatchGetItemInput:
			for _, table := range read.RequestItems {
				consistent = consistent && aws.ToBool(table.ConsistentRead)
			}
		}
		if !consistent {
			return middleware.InitializeOutput{}, middleware.Metadata{}, fmt.Errorf("%T is not a consistent read", in.Parameters)
		}
		return next.HandleInitialize(ctx, in)
	}), middleware.Before)
}
