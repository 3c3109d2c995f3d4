package main

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/sync/dynamostate"
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

// An export of tables that is imported into the same ones writes nothing, and their
// life goes on: tokens of theirs are met.
func TestAnImportOfWhatIsThereChangesNothing(t *testing.T) {
	t.Setenv(claimVar, strings.Repeat("ab", 32))
	env, dir := cloudAt(t), t.TempDir()
	file := filepath.Join(dir, "there.ndjson")
	served := mustStartWith(t, dir, env, "serve", "--listen", "127.0.0.1:0")
	id, token := newUser(t, served.url, "homer")
	says(t, served.url+"/users/"+id, token, "", 200, id)
	epoch := epochOf(t, served.url)
	eventually(t, serversTime, "the user shows in the events", func() error {
		if _, there := everyCommit(t, served.url)[eventstream.Position{Stream: eventstream.UserStream(uuid.MustParse(id)), Seq: 1}]; !there {
			return errNotYet
		}
		return nil
	})
	mustRun(t, "export", "--out", file)
	before := hashesIn(t, file)
	mustRun(t, "import", file)
	mustRun(t, "export", "--out", filepath.Join(dir, "after.ndjson"))
	if after := hashesIn(t, filepath.Join(dir, "after.ndjson")); !maps.Equal(after, before) {
		t.Errorf("%d commits were there, and are %d", len(before), len(after))
	}
	again := mustStartWith(t, dir, env, "serve", "--listen", "127.0.0.1:0")
	if now := epochOf(t, again.url); now != epoch {
		t.Errorf("it lives %v, and lived %v", now, epoch)
	}
	says(t, again.url+"/users/"+id, token, "", 200, id)
	newUser(t, served.url, "marge")
}

// Tables that follow another directory take nothing from a file; those that have taken
// over do, if their record was left.
func TestImportRefusesAReplicaInTheCloud(t *testing.T) {
	t.Setenv(claimVar, strings.Repeat("ab", 32))
	cloudAt(t)
	file := filepath.Join(t.TempDir(), "there.ndjson")
	mustRun(t, "export", "--out", file)
	config, err := awsConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	records := replicaRecordItem{dynamostate.New(dynamodb.NewFromConfig(config), namesOf(os.Getenv("IDENTITY_TABLE_PREFIX")).State)}
	if err := records.begin(t.Context(), &replicaRecord{Source: "https://identity.example.org"}); err != nil {
		t.Fatal(err)
	}
	fails(t, "follows another directory", "import", file)
	if err := records.save(t.Context(), &replicaRecord{Epoch: uuid.NewString(), Here: true}); err != nil {
		t.Fatal(err)
	}
	mustRun(t, "import", file)
}
