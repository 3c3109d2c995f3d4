package main

import (
	"context"
	"os"
	"testing"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/httpapi/apitest"
	"github.com/seed5b6a70b4/identity/internal/testservers"
)

const cloudAdminKey = "an-admin-key-of-tests-that-is-long-enough"

// cloudAt gives the environment of processes over tables of their own, which are
// made.
func cloudAt(t *testing.T, flags ...string) (env []string) {
	t.Helper()
	endpoint := testservers.DynamoDB(t)
	for name, value := range map[string]string{
		"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
		"AWS_ENDPOINT_URL_DYNAMODB": endpoint, "AWS_ENDPOINT_URL_DYNAMODB_STREAMS": endpoint,
		"IDENTITY_STORE": "dynamodb", "IDENTITY_TABLE_PREFIX": "test-" + uuid.NewString(), "IDENTITY_ADMIN_KEY": cloudAdminKey, "IDENTITY_DRAIN_DELAY": "0s",
	} {
		t.Setenv(name, value)
	}
	if code, _, errs := runHere(t, append([]string{"init", "--shards", "4"}, flags...)...); code != exitDone {
		t.Fatalf("init ends with %d: %s", code, errs)
	}
	return os.Environ()
}

// Two processes that serve, and one that synchronises, keep the wire contract.
func TestWireContractOnDynamoDB(t *testing.T) {
	env := cloudAt(t)
	dir := t.TempDir()
	mustStartWith(t, dir, env, "sync", "--listen", "127.0.0.1:0")
	one := mustStartWith(t, dir, env, "serve", "--feed", "none", "--no-access-log", "--listen", "127.0.0.1:0")
	other := mustStartWith(t, dir, env, "serve", "--feed", "none", "--no-access-log", "--listen", "127.0.0.1:0")
	apitest.Run(t, &apitest.Target{URL: one.url, Others: []string{other.url}, AdminKey: cloudAdminKey, NoSearch: true, Behind: true})
}

func mustStartWith(t *testing.T, dir string, env []string, args ...string) *process {
	t.Helper()
	p, err := startCommand(context.WithoutCancel(t.Context()), dir, env, args...)
	if err != nil {
		t.Fatal(err)
	}
	kill(t, p)
	return p
}
