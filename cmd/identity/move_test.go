package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/internal/testservers"
)

// claimKeyOf is the claim secret of a data directory.
func claimKeyOf(t *testing.T, data string) string {
	t.Helper()
	secret, err := os.ReadFile(filepath.Join(data, claimFile))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(secret))
}

// visible waits until a replica shows what a token demands.
func visible(t *testing.T, url, id, token string) {
	t.Helper()
	eventually(t, serversTime, "what was written shows at the replica", func() error {
		got := ask(t, url+"/users/"+id, token, "")
		if got.status == 200 {
			return nil
		}
		if got.status != 503 {
			t.Fatalf("%d %s", got.status, got.body)
		}
		return errNotYet
	})
}

// readsAsReplica holds a replica to what it promises, given a user that its source
// has and the token of its creation.
func readsAsReplica(t *testing.T, url, id, token string) {
	t.Helper()
	visible(t, url, id, token)
	says(t, url+"/users", "", `{"username":"nobody"}`, 503, `"replica"`)
	says(t, url+"/users/"+id, "latest", "", 400, "latest_unavailable")
	says(t, url+"/readyz", "", "", 200, `"replica"`)
	says(t, url+"/store", "", "", 200, `"role":"replica"`)
}

// A directory under load moves from the embedded store to DynamoDB without a stop of
// its reads, and nothing that was acknowledged is lost.
func TestMoveUnderLoad(t *testing.T) {
	t.Setenv(adminVar, cloudAdminKey)
	dir := t.TempDir()
	data := filepath.Join(dir, "identity-data")
	old := mustStart(t, dir)
	t.Setenv(claimVar, claimKeyOf(t, data))
	t.Setenv(fromVar, cloudAdminKey)
	server := testservers.DynamoDB(t)
	env := append(os.Environ(),
		"AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test",
		"AWS_ENDPOINT_URL_DYNAMODB="+server, "AWS_ENDPOINT_URL_DYNAMODB_STREAMS="+server,
		"IDENTITY_TABLE_PREFIX=moved-"+uuid.NewString(), "IDENTITY_DRAIN_DELAY=0s")
	moves(t, old.url, 1, func(from string) *process {
		return mustStartWith(t, dir, env, "replicate", "--from", from, "--listen", "127.0.0.1:0", "--store", "dynamodb")
	}, old)

	_ = old.signal(syscall.SIGTERM)
	old.wait()
	again := mustStart(t, dir)
	says(t, again.url+"/users", "", `{"username":"nobody"}`, 503, "store_closed")
	says(t, again.url+"/users", "", "", 200, "items")
	says(t, again.url+"/store", "", "", 200, `"role":"closed"`)
}

// moves follows the service at a url, under load of writers on all of its processes,
// has the replica take over while that goes on, and compares.
func moves(t *testing.T, from string, writers int, start func(from string) *process, olds ...*process) *process {
	t.Helper()
	epoch := epochOf(t, from)
	urls := make([]string, 0, len(olds))
	for _, each := range olds {
		urls = append(urls, each.url)
	}
	l := underLoad(t, writers*len(urls), 250*time.Millisecond, urls...)
	until(t, &l.acknowledged, 20)
	replica := start(from)
	readsWhileFollowing(t, from, replica.url)
	before := l.acknowledged.Load()
	until(t, &l.acknowledged, before+10)
	id, token := someone(t, from, "before-"+uuid.NewString())
	eventually(t, serversTime, "the replica takes over", func() error {
		if code, _, errs := runHere(t, "promote", "--url", replica.url); code != exitDone {
			return errors.New(errs) // what fails for now is asked for again
		}
		return nil
	})
	for _, url := range urls {
		says(t, url+"/users", "", `{"username":"nobody"}`, 503, "store_closed")
	}
	l.stop()
	if l.refused["store_closed"] == 0 {
		t.Error("no write came after the store was closed")
	}
	says(t, replica.url+"/users/"+id, token, "", 400, "foreign_token")
	says(t, replica.url+"/users/"+id, "", "", 200, id)
	says(t, replica.url+"/store", "", "", 200, `"role":"primary"`)
	_, token = someone(t, replica.url, "after-"+uuid.NewString())
	says(t, replica.url+"/users/"+id, token, "", 200, id)
	l.nothingLost(epoch, everyCommit(t, from), l.taken(epoch, replica.url))
	return replica
}

// readsWhileFollowing reads at a replica that numbers what it has in its own order.
func readsWhileFollowing(t *testing.T, from, replica string) {
	t.Helper()
	id, token := someone(t, from, "followed-"+uuid.NewString())
	readsAsReplica(t, replica, id, token)
	listed := ask(t, from+"/users?limit=1", "", "").token
	says(t, replica+"/users?limit=1", listed, "", 400, "foreign_token")
	says(t, replica+"/users?limit=1", "", "", 200, "items")
}
