// Package shardtest holds sources of shardfeed to their contract, on real servers.
package shardtest

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/seed5b6a70b4/identity/internal/awshttp"
)

// Config is that of clients of a test server.
func Config(t testing.TB, url func(testing.TB) string) aws.Config {
	t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	t.Cleanup(transport.CloseIdleConnections)
	return aws.Config{
		Region:       "us-east-1",
		BaseEndpoint: aws.String(url(t)),
		HTTPClient:   awshttp.Steady(&http.Client{Transport: transport, Timeout: time.Minute}),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
		}),
	}
}
