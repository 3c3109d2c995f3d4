package dynamostore_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/eventstream/dynamostore"
	"github.com/seed5b6a70b4/identity/internal/testservers"
)

// connect makes a client of the server, as options change it.
func connect(t testing.TB, options ...func(*dynamodb.Options)) *dynamodb.Client {
	t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	t.Cleanup(transport.CloseIdleConnections)
	return dynamodb.NewFromConfig(aws.Config{
		Region:       "us-east-1",
		BaseEndpoint: aws.String(testservers.DynamoDB(t)),
		HTTPClient:   &http.Client{Transport: transport, Timeout: 30 * time.Second},
		Credentials:  aws.CredentialsProviderFunc(testCredentials),
	}, options...)
}

// newTable makes a table that is removed when the test ends.
func newTable(t testing.TB) string { return newSlicedTable(t, 2) }

func newSlicedTable(t testing.TB, slices int) string {
	t.Helper()
	client, name := connect(t), "commits-"+uuid.NewString()
	if _, err := client.CreateTable(t.Context(), dynamostore.SlicedTable(name, slices)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		client.DeleteTable(context.WithoutCancel(t.Context()), &dynamodb.DeleteTableInput{TableName: aws.String(name)})
	})
	return name
}

func testCredentials(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
}

// valueOf is the number in an attribute.
func valueOf(value types.AttributeValue) string {
	number, _ := value.(*types.AttributeValueMemberN)
	if number == nil {
		return ""
	}
	return number.Value
}

// stringOf is the text in an attribute.
func stringOf(value types.AttributeValue) string {
	text, _ := value.(*types.AttributeValueMemberS)
	if text == nil {
		return ""
	}
	return text.Value
}

// bytesOf is what is in a binary attribute.
func bytesOf(value types.AttributeValue) string {
	bytes, _ := value.(*types.AttributeValueMemberB)
	if bytes == nil {
		return ""
	}
	return string(bytes.Value)
}
