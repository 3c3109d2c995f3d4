package main

import (
	"context"
	"errors"
	"net/http"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/httpapi/apitest"
	"github.com/seed5b6a70b4/identity/internal/testservers"
)

const cloudAdminKey = "an-admin-key-of-tests-that-is-long-enough"

// cloudAt gives the environment of processes over tables of their own, which are
// made, as is what the flags say.
func cloudAt(t testing.TB, flags ...string) (env []string) {
	t.Helper()
	dynamodb := testservers.DynamoDB(t)
	set := map[string]string{
		"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
		"AWS_ENDPOINT_URL_DYNAMODB": dynamodb, "AWS_ENDPOINT_URL_DYNAMODB_STREAMS": dynamodb,
		"IDENTITY_STORE": "dynamodb", "IDENTITY_TABLE_PREFIX": "test-" + uuid.NewString(), "IDENTITY_ADMIN_KEY": cloudAdminKey, "IDENTITY_DRAIN_DELAY": "0s",
	}
	if slices.Contains(flags, "kinesis") {
		set["AWS_ENDPOINT_URL_KINESIS"] = testservers.Kinesis(t)
	}
	if slices.Contains(flags, "elasticsearch") {
		set["ELASTICSEARCH_URL"] = testservers.Elasticsearch(t)
	}
	for name, value := range set {
		t.Setenv(name, value)
	}
	for range 2 { // the second time everything is there
		if code, _, errs := runHere(t, append([]string{"init", "--shards", "4"}, flags...)...); code != exitDone {
			t.Fatalf("init ends with %d: %s", code, errs)
		}
	}
	return os.Environ()
}

// Two processes that serve, one that synchronises and one that relays keep the
// wire contract, search included.
func TestWireContractInTheCloud(t *testing.T) {
	env := cloudAt(t, "--feed", "kinesis", "--search", "elasticsearch")
	dir := t.TempDir()
	mustStartWith(t, dir, env, "relay", "--listen", "127.0.0.1:0")
	mustStartWith(t, dir, env, "sync", "--feed", "kinesis", "--search", "elasticsearch", "--listen", "127.0.0.1:0")
	serve := []string{"serve", "--feed", "none", "--search", "elasticsearch", "--no-access-log", "--listen", "127.0.0.1:0"}
	one, other := mustStartWith(t, dir, env, serve...), mustStartWith(t, dir, env, serve...)
	apitest.Run(t, &apitest.Target{URL: one.url, Others: []string{other.url}, AdminKey: cloudAdminKey, Behind: true})
	verifiedHere(t, "--search", "elasticsearch")
}

// Alone, with nothing said but where the tables are, a process serves and keeps
// its views up to date by itself.
func TestServeOnDynamoDB(t *testing.T) {
	env := cloudAt(t)
	p := mustStartWith(t, t.TempDir(), env, "serve", "--listen", "127.0.0.1:0")
	c, err := (&remoteFlags{dataFlags: dataFlags{Data: t.TempDir(), Store: dynamoStore, TablePrefix: "unused"}, URL: p.url}).client(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var homer struct{ ID string }
	if _, err := c.do(t.Context(), http.MethodPost, "/users", map[string]string{"username": "homer"}, &homer); err != nil {
		t.Fatal(err)
	}
	comes(t, p.url+"/users/"+homer.ID)
	var off *problem
	if _, err := c.do(t.Context(), http.MethodGet, "/users?q=homer", nil, nil); !errors.As(err, &off) || off.Status != http.StatusNotImplemented {
		t.Errorf("a search is answered with %v", err)
	}
	verifiedHere(t, "--url", p.url)
	if err := p.signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := p.wait(); code != exitDone {
		t.Errorf("it ends with %d", code)
	}
	if code, out, errs := runHere(t, "verify"); code != exitDone || !strings.Contains(out, ": 1 users, ") || !strings.HasSuffix(out, "no drift\n") {
		t.Errorf("verify ends with %d: %s%s", code, out, errs)
	}
	e, err := openCloud(t.Context(), os.Getenv("IDENTITY_TABLE_PREFIX"), followFlags{Feed: noFeed, Search: noSearch}, settings{})
	if err != nil {
		t.Fatal(err)
	}
	claim := plantClaimIn(t, e)
	if code, out, errs := runHere(t, "verify"); code != exitFailed || !strings.HasPrefix(out, string(claim)+": is owned by user/") {
		t.Errorf("with drift, verify ends with %d: %s%s", code, out, errs)
	}
}

// What is missing is named, with what makes it.
func TestMissingTableIsNamed(t *testing.T) {
	cloudAt(t)
	t.Setenv("IDENTITY_TABLE_PREFIX", "nothing-"+uuid.NewString())
	for _, command := range []string{"serve", "sync", "relay", "verify"} {
		code, _, errs := runHere(t, command)
		if code != exitFailed || !strings.Contains(errs, "-events is missing: make it with `identity init --store dynamodb --table-prefix nothing-") {
			t.Errorf("%s ends with %d: %s", command, code, errs)
		}
	}
}

func mustStartWith(t testing.TB, dir string, env []string, args ...string) *process {
	t.Helper()
	p, err := startCommand(context.WithoutCancel(t.Context()), dir, env, args...)
	if err != nil {
		t.Fatal(err)
	}
	kill(t, p)
	return p
}
