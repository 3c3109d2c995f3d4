package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// hashesOf names every commit of a log by its hash.
func hashesOf(transactions [][]eventstream.Commit) map[eventstream.Hash]eventstream.Position {
	hashes := map[eventstream.Hash]eventstream.Position{}
	for _, transaction := range transactions {
		for i := range transaction {
			hashes[transaction[i].Hash] = transaction[i].Position()
		}
	}
	return hashes
}

// A directory goes from the embedded store to DynamoDB and back, and loses nothing.
func TestCopyToTheCloudAndBack(t *testing.T) {
	dir := t.TempDir()
	data, file, back, again := filepath.Join(dir, "data"), filepath.Join(dir, "there.ndjson"), filepath.Join(dir, "back.ndjson"), filepath.Join(dir, "again")
	mustRun(t, "seed", "--data", data, "--users", "60", "--groups", "4")
	mustRun(t, "key", "create", "--data", data, "--scope", "read", "--label", "kept")
	mustRun(t, "export", "--data", data, "--out", file)
	secret, err := os.ReadFile(filepath.Join(data, claimFile))
	if err != nil {
		t.Fatal(err)
	}
	env := cloudAt(t)
	t.Setenv("IDENTITY_STORE", "embedded")
	fails(t, "claim secret is missing", "import", "--store", "dynamodb", "--table-prefix", "copied-"+uuid.NewString(), file)
	t.Setenv(claimVar, strings.TrimSpace(string(secret)))
	fails(t, "commit 1 of stream store contradicts", "import", "--store", "dynamodb", file) // init has begun another there
	prefix := "copied-" + uuid.NewString()
	t.Setenv("IDENTITY_TABLE_PREFIX", prefix)
	for range 2 { // the second time everything is there
		mustRun(t, "import", "--store", "dynamodb", file)
	}
	mustRun(t, "verify", "--store", "dynamodb")
	served := mustStartWith(t, t.TempDir(), append(env, "IDENTITY_STORE=dynamodb", "IDENTITY_TABLE_PREFIX="+prefix, claimVar+"="+strings.TrimSpace(string(secret))), "serve", "--listen", "127.0.0.1:0")
	newUser(t, served.url, "homer")
	mustRun(t, "export", "--url", served.url, "--out", back)
	mustRun(t, "import", "--data", again, back)
	mustRun(t, "verify", "--data", again)
	original, copied := hashesOf(logOf(t, data)), hashesOf(logOf(t, again))
	for hash, position := range original {
		if _, there := copied[hash]; !there {
			t.Errorf("commit %d of %s is missing", position.Seq, position.Stream)
		}
	}
	mustRun(t, "export", "--store", "dynamodb", "--out", back) // goes on
	mustRun(t, "import", "--data", again, back)
}
