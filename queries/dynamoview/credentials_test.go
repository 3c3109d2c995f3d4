package dynamoview_test

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// anybody are credentials for a local server, which takes whatever it is given.
func anybody(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
}
