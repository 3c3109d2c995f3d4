package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/commitlines"
	"github.com/seed5b6a70b4/identity/eventstream/logstore"
)

// What an import that was cut off, or refused, leaves behind is taken for no directory:
// neither for all of the one that is imported nor for one that is yet to begin.
func TestTheBeginningOfAnImportIsNoDirectory(t *testing.T) {
	dir := t.TempDir()
	data, file, cut := filepath.Join(dir, "identity-data"), filepath.Join(dir, "commits.ndjson"), filepath.Join(dir, "cut.ndjson")
	mustRun(t, "seed", "--data", data, "--users", "20", "--groups", "3")
	mustRun(t, "export", "--data", data, "--out", file)
	original, whole, secret := logOf(t, data), content(t, file), claimKeyOf(t, data)
	older := olderOf(t, original)
	header := bytes.IndexByte(whole, '\n') + 1
	for _, refused := range []struct {
		name, secret string
		end          int
		there        bool
	}{
		{"no secret", "", len(whole), false},
		{"no line", secret, header, false},
		{"half a line", secret, header + 20, false},
		{"half", secret, len(whole) / 2, true},
	} {
		into := filepath.Join(dir, refused.name)
		if err := os.WriteFile(cut, whole[:refused.end], 0o600); err != nil {
			t.Fatal(err)
		}
		t.Setenv(claimVar, refused.secret)
		fails(t, "", "import", "--data", into, cut)
		for _, command := range [][]string{{"verify"}, {"export"}, {"seed", "--users", "1", "--groups", "1"}, {"key", "create", "--scope", "read"}} {
			fails(t, "is an unfinished import", append(command, "--data", into)...)
		}
		if _, err := openEmbedded(t.Context(), into, settings{}); err == nil {
			t.Fatal("the beginning of an import was opened")
		}
		if there := len(logOf(t, into)); (there > 0) != refused.there || there >= len(original) {
			t.Errorf("%s: %d transactions are there", refused.name, there)
		}
		t.Setenv(claimVar, secret)
		if refused.there {
			fails(t, "are there of an import that was cut off", "import", "--data", into, older)
			fails(t, "is an unfinished import", "verify", "--data", into)
		}
		mustRun(t, "import", "--data", into, file)
		sameBeginning(t, original, logOf(t, into), len(original))
		mustRun(t, "verify", "--data", into)
	}
	// What is there may be all that is left.
	into := filepath.Join(dir, "left")
	fails(t, "cut off", "import", "--data", into, cut)
	if err := os.Remove(filepath.Join(into, unfinishedImport)); err != nil {
		t.Fatal(err)
	}
	mustRun(t, "verify", "--data", into)
}

// olderOf writes a file as an export wrote it that was done when there was little.
func olderOf(t *testing.T, original [][]eventstream.Commit) string {
	t.Helper()
	events, err := domain.DecodeEvents(original[0][0].Data)
	if err != nil {
		t.Fatal(err)
	}
	begun := events[slices.IndexFunc(events, func(e domain.Event) bool { _, is := e.(domain.SetEpoch); return is })].(domain.SetEpoch)
	var older bytes.Buffer
	lines, err := commitlines.NewWriter(&older, &commitlines.Header{Epoch: begun.Epoch, Ordered: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, transaction := range original[:3] {
		if _, err := lines.Transaction(transaction); err != nil {
			t.Fatal(err)
		}
	}
	name := filepath.Join(t.TempDir(), "older.ndjson")
	if err := errors.Join(lines.Checkpoint("somewhere", true), os.WriteFile(name, older.Bytes(), secretMode)); err != nil {
		t.Fatal(err)
	}
	return name
}

// An import that may not write notes nothing in the directory of whoever may.
func TestAnImportLeavesAServedDirectoryAlone(t *testing.T) {
	dir := t.TempDir()
	data, served, file := filepath.Join(dir, "identity-data"), dataDirectory{filepath.Join(dir, "served")}, filepath.Join(dir, "commits.ndjson")
	mustRun(t, "seed", "--data", data, "--users", "3", "--groups", "1")
	mustRun(t, "export", "--data", data, "--out", file)
	store, err := logstore.Open(served.log(), nil)
	if err != nil {
		t.Fatal(err)
	}
	fails(t, "needs a directory that is not served", "import", "--data", served.path, file)
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if err := served.finished(); err != nil {
		t.Error(err)
	}
	mustRun(t, "seed", "--data", served.path, "--users", "3", "--groups", "1")
}

// A directory that began on its own is told from one that a file goes on with.
func TestImportIntoAnotherDirectory(t *testing.T) {
	dir := t.TempDir()
	data, other, file := filepath.Join(dir, "identity-data"), filepath.Join(dir, "other"), filepath.Join(dir, "commits.ndjson")
	mustRun(t, "seed", "--data", data, "--users", "3", "--groups", "1")
	mustRun(t, "seed", "--data", other, "--users", "3", "--groups", "1")
	mustRun(t, "export", "--data", data, "--out", file)
	fails(t, "what is there began on its own", "import", "--data", other, file)
	mustRun(t, "verify", "--data", other)
}
