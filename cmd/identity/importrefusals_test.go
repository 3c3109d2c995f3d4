package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// Two secrets that differ are not chosen between: which one is wrong is for who gave
// them to say.
func TestImportRefusesTwoSecrets(t *testing.T) {
	dir := t.TempDir()
	data, other, file := filepath.Join(dir, "identity-data"), filepath.Join(dir, "other"), filepath.Join(dir, "commits.ndjson")
	mustRun(t, "seed", "--data", data, "--users", "3", "--groups", "1")
	mustRun(t, "export", "--data", data, "--out", file)
	to, err := openDataDirectory(other)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := to.makeClaimSecret(); err != nil {
		t.Fatal(err)
	}
	t.Setenv(claimVar, claimKeyOf(t, data))
	fails(t, "says another claim secret than "+claimVar, "import", "--data", other, file)
	if logged := logOf(t, other); len(logged) != 0 {
		t.Errorf("%d transactions were written", len(logged))
	}
	if err := os.Remove(to.file(claimFile)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		mustRun(t, "import", "--data", other, file)
	}
	if claimKeyOf(t, other) != claimKeyOf(t, data) {
		t.Error("another secret is kept")
	}
}

// What follows another directory takes nothing from a file; what has taken over does,
// if its record was left.
func TestImportRefusesAReplica(t *testing.T) {
	dir := t.TempDir()
	data, file := filepath.Join(dir, "identity-data"), filepath.Join(dir, "commits.ndjson")
	mustRun(t, "seed", "--data", data, "--users", "3", "--groups", "1")
	mustRun(t, "export", "--data", data, "--out", file)
	records := replicaRecordFile{dataDirectory{data}}
	header, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	epoch := ""
	if _, after, found := strings.Cut(string(header), `"epoch":"`); found {
		epoch, _, _ = strings.Cut(after, `"`)
	}
	for _, record := range []replicaRecord{
		{Source: "https://identity.example.org"},
		{Source: "https://identity.example.org", Epoch: epoch, Here: true},
	} {
		if err := records.begin(t.Context(), &record); err != nil {
			t.Fatal(err)
		}
		fails(t, "follows another directory", "import", "--data", data, file)
	}
	if err := records.begin(t.Context(), &replicaRecord{Epoch: uuid.NewString(), Here: true}); err != nil {
		t.Fatal(err)
	}
	mustRun(t, "import", "--data", data, file)
}

func TestImportRefusesTheTablesOfAReplica(t *testing.T) {
	dir := t.TempDir()
	data, file := filepath.Join(dir, "identity-data"), filepath.Join(dir, "commits.ndjson")
	mustRun(t, "seed", "--data", data, "--users", "3", "--groups", "1")
	mustRun(t, "export", "--data", data, "--out", file)
	cloudAt(t)
	t.Setenv(claimVar, claimKeyOf(t, data))
	prefix := "replica-" + uuid.NewString()
	tables, err := openImportCloud(&console{t.Context(), t.Output(), t.Output()}, prefix)
	if err != nil {
		t.Fatal(err)
	}
	if err := tables.records().begin(t.Context(), &replicaRecord{Source: "https://identity.example.org"}); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tables.close() }()
	fails(t, "follows another directory", "import", "--store", "dynamodb", "--table-prefix", prefix, file)
	if last, err := tables.streams.Last(t.Context(), eventstream.StoreStream); err != nil || last.Seq != 0 {
		t.Errorf("%d commits of the stream store were written: %v", last.Seq, err)
	}
}
