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
	return connectTo(t, testservers.DynamoDB(t), 30*time.Second, options...)
}

// connectTo makes a client, with connections of its own, that waits so long for an
// answer.
func connectTo(t testing.TB, url string, timeout time.Duration, options ...func(*dynamodb.Options)) *dynamodb.Client {
	t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	t.Cleanup(transport.CloseIdleConnections)
	return dynamodb.NewFromConfig(aws.Config{
		Region:       "us-east-1",
		BaseEndpoint: &url,
		HTTPClient:   &http.Client{Transport: transport, Timeout: timeout},
		Credentials:  aws.CredentialsProviderFunc(testCredentials),
	}, options...)
}

// newTable makes a table that is removed when the test ends. It fails the test if
// a commit was changed or lost meanwhile.
func newTable(t testing.TB) string { return newSlicedTable(t, 2) }

func newSlicedTable(t testing.TB, slices int) string {
	t.Helper()
	client, name := connect(t), "commits-"+uuid.NewString()
	if _, err := client.CreateTable(t.Context(), dynamostore.SlicedTable(name, slices)); err != nil {
		t.Fatal(err)
	}
	l := newLedger(client, name)
	t.Cleanup(func() {
		if err := l.look(context.WithoutCancel(t.Context())); err != nil {
			t.Errorf("at the end: %v", err)
		}
		ledgers.Delete(name)
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
