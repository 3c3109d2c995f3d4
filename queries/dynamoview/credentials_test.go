package dynamoview_test

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// staticCredentials are any: a local server takes whatever it is given.
func staticCredentials(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
}
