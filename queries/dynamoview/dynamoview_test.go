package dynamoview_test

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go/middleware"
	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/internal/testservers"
	"github.com/seed5b6a70b4/identity/queries/dynamoview"
	"github.com/seed5b6a70b4/identity/queries/viewtest"
)

// The server under test takes milliseconds for what memory does in microseconds.
func TestMain(m *testing.M) {
	flag.Parse()
	for name, value := range map[string]string{"rapid.checks": "6", "rapid.steps": "15"} {
		if err := flag.Set(name, value); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
	}
	os.Exit(m.Run())
}

func TestConformance(t *testing.T) {
	client := connect(t)
	viewtest.Run(t, viewtest.Harness{Slow: true, New: func(t *testing.T) viewtest.View { return fresh(t, client) }})
}

// connect makes a client of the server under test.
func connect(t *testing.T) *dynamodb.Client {
	t.Helper()
	endpoint := testservers.DynamoDB(t)
	return dynamodb.New(dynamodb.Options{
		Region: "us-east-1", BaseEndpoint: &endpoint, Credentials: aws.CredentialsProviderFunc(anybody),
		APIOptions: []func(*middleware.Stack) error{consistently},
	})
}

// fresh makes a view of a table of its own, in few buckets so that lists are
// quick.
func fresh(t *testing.T, client *dynamodb.Client) *dynamoview.View {
	t.Helper()
	table := "views-" + uuid.NewString()
	if _, err := client.CreateTable(t.Context(), dynamoview.Table(table)); err != nil {
		t.Fatalf("make a table: %v", err)
	}
	return dynamoview.New(client, dynamoview.Options{Table: table, Buckets: 2})
}
