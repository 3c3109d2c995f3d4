package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttpclient "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go/logging"

	"github.com/seed5b6a70b4/identity/internal/awshttp"
	"github.com/seed5b6a70b4/identity/queries/elasticview"
)

// names are what things in the cloud are called, all after one prefix.
type names struct {
	// Events holds the commits, Views the rows, State leases, what is parked and the
	// claim secret.
	Events, Views, State string
	// Stream is the Kinesis stream, Index the alias in Elasticsearch.
	Stream, Index string
}

func namesOf(prefix string) names {
	return names{prefix + "-events", prefix + "-views", prefix + "-state", prefix + "-events", prefix + "-search"}
}

// What the ways to AWS are bounded by. A call that hangs must leave the request,
// which has 15 seconds, the time to make it again over another connection.
const (
	awsCallTime    = 5 * time.Second
	awsConnections = 256
)

// awsConfig is that of the environment and the files of the AWS clients.
func awsConfig(ctx context.Context) (aws.Config, error) {
	client := awshttpclient.NewBuildableClient().WithTimeout(awsCallTime).WithTransportOptions(func(t *http.Transport) {
		t.MaxIdleConns, t.MaxIdleConnsPerHost = awsConnections, awsConnections
	})
	found, err := config.LoadDefaultConfig(ctx, config.WithHTTPClient(client), config.WithLogger(logging.Nop{}))
	if err != nil {
		return found, misused("AWS configuration: %s", err)
	}
	if found.Region == "" {
		return found, misused("AWS_REGION: no region is set, nor one in the AWS profile")
	}
	found.HTTPClient = awshttp.Steady(found.HTTPClient) // the configuration must have seen the client itself
	return found, nil
}

// errMissing says what has to be made first.
var errMissing = errors.New("is missing")

// present makes sure that tables can be used.
func present(ctx context.Context, client *dynamodb.Client, prefix string, tables ...string) error {
	for _, table := range tables {
		described, err := client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &table})
		var none *types.ResourceNotFoundException
		switch {
		case errors.As(err, &none):
			return fmt.Errorf("table %s %w: make it with `identity init --store dynamodb --table-prefix %s`", table, errMissing, prefix)
		case err != nil:
			return fmt.Errorf("look for the table %s: %w", table, err)
		case described.Table.TableStatus != types.TableStatusActive && described.Table.TableStatus != types.TableStatusUpdating:
			return fmt.Errorf("table %s cannot be used: it is %s", table, strings.ToLower(string(described.Table.TableStatus)))
		}
	}
	return nil
}

// The environment of Elasticsearch's own clients.
const (
	elasticURL      = "ELASTICSEARCH_URL"
	elasticUser     = "ELASTICSEARCH_USERNAME"
	elasticPassword = "ELASTICSEARCH_PASSWORD"
	elasticAPIKey   = "ELASTICSEARCH_API_KEY"
)

// elasticOptions are how Elasticsearch is reached, as the environment says.
func elasticOptions(n names) (elasticview.Options, error) {
	options := elasticview.Options{Name: n.Index, APIKey: os.Getenv(elasticAPIKey)}
	text := os.Getenv(elasticURL)
	if text == "" {
		return options, misused("%s: not set; --search elasticsearch needs it", elasticURL)
	}
	for each := range strings.SplitSeq(text, ",") {
		with, err := withUser(strings.TrimSpace(each), os.Getenv(elasticUser), os.Getenv(elasticPassword))
		if err != nil {
			return options, err
		}
		options.URLs = append(options.URLs, with)
	}
	return options, nil
}
