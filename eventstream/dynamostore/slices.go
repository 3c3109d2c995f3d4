package dynamostore

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// indexPrefix begins the name of the index over the hours in which commits were
// written; the number of its slices ends it.
const indexPrefix = "recent-"

func indexOf(slices int) string { return indexPrefix + strconv.Itoa(slices) }

// sliced is the number of slices that the table was made with. It is asked for
// once; those who come before the answer ask too.
func (s *Store) sliced(ctx context.Context) (int, error) {
	if known := s.slices.Load(); known > 0 {
		return int(known), nil
	}
	const attempted = "ask how the table was made"
	described, err := patiently(ctx, s, attempted, func() (*dynamodb.DescribeTableOutput, error) {
		return s.client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &s.table})
	})
	if err != nil {
		return 0, err
	}
	for _, index := range described.Table.GlobalSecondaryIndexes {
		number, ok := strings.CutPrefix(value(index.IndexName), indexPrefix)
		if slices, err := strconv.Atoi(number); ok && err == nil && slices > 0 {
			s.slices.Store(int64(slices))
			return slices, nil
		}
	}
	return 0, fmt.Errorf("%w: %s: it has no index of recent commits", eventstream.ErrUnavailable, attempted)
}
