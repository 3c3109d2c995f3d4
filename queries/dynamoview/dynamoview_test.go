package dynamoview_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/seed5b6a70b4/identity/queries/dynamoview"
	"github.com/seed5b6a70b4/identity/queries/viewtest"
)

func TestConformance(t *testing.T) {
	client := connect(t)
	tables := 0
	viewtest.Run(t, viewtest.Harness{New: func(t *testing.T) viewtest.View {
		tables++
		return fresh(t, client, fmt.Sprintf("views-%d-%d", time.Now().UnixNano(), tables))
	}})
}

// connect makes a client of the server under test.
func connect(t *testing.T) *dynamodb.Client {
	t.Helper()
	endpoint := os.Getenv("IDENTITY_TEST_DYNAMODB")
	if endpoint == "" {
		t.Skip("IDENTITY_TEST_DYNAMODB names no server")
	}
	return dynamodb.New(dynamodb.Options{
		Region: "us-east-1", BaseEndpoint: &endpoint,
		Credentials: aws.CredentialsProviderFunc(staticCredentials),
	})
}

// fresh makes a view of a table of its own, in few buckets so that lists are
// quick.
func fresh(t *testing.T, client *dynamodb.Client, table string) *dynamoview.View {
	t.Helper()
	if _, err := client.CreateTable(t.Context(), dynamoview.Table(table)); err != nil {
		t.Fatalf("make a table: %v", err)
	}
	return dynamoview.New(client, dynamoview.Options{Table: table, Buckets: 2})
}
