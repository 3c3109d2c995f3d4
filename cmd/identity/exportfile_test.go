package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gofrs/flock"
)

// Two exports do not write one file: what each wrote would be within the other's.
func TestAFileHasOneExport(t *testing.T) {
	dir := t.TempDir()
	data, file := filepath.Join(dir, "identity-data"), filepath.Join(dir, "commits.ndjson")
	mustRun(t, "seed", "--data", data, "--users", "3", "--groups", "1")
	mustRun(t, "export", "--data", data, "--out", file)
	before := content(t, file)
	mustRun(t, "seed", "--data", data, "--users", "6", "--groups", "1")
	other := flock.New(file)
	if locked, err := other.TryLock(); err != nil || !locked {
		t.Fatalf("lock the file: %v, %v", locked, err)
	}
	fails(t, "another export is writing it", "export", "--data", data, "--out", file)
	if !bytes.Equal(content(t, file), before) {
		t.Error("the file of another export was written to")
	}
	if err := other.Unlock(); err != nil {
		t.Fatal(err)
	}
	mustRun(t, "export", "--data", data, "--out", file)
	if after := content(t, file); !bytes.HasPrefix(after, before) || len(after) == len(before) {
		t.Error("the export was not gone on with")
	}
}

// What another directory's export wrote stays, also what comes behind its last
// checkpoint: it may be all that is left of that.
func TestExportLeavesAnotherDirectorysFileAlone(t *testing.T) {
	dir := t.TempDir()
	data, other, file := filepath.Join(dir, "identity-data"), filepath.Join(dir, "other"), filepath.Join(dir, "commits.ndjson")
	mustRun(t, "seed", "--data", data, "--users", "3", "--groups", "1")
	mustRun(t, "seed", "--data", other, "--users", "3", "--groups", "1")
	mustRun(t, "export", "--data", data, "--out", file)
	first := content(t, file)
	mustRun(t, "seed", "--data", data, "--users", "6", "--groups", "1")
	mustRun(t, "export", "--data", data, "--out", file)
	second := content(t, file)
	for what, text := range map[string][]byte{
		"whole": first, "behind a checkpoint": second[:len(second)-100], "before the first": first[:len(first)-500], "a header": first[:bytes.IndexByte(first, '\n')+1],
	} {
		if err := os.WriteFile(file, text, secretMode); err != nil {
			t.Fatal(err)
		}
		fails(t, errOtherLife.Error(), "export", "--data", other, "--out", file)
		if !bytes.Equal(content(t, file), text) {
			t.Errorf("%s: the file was changed", what)
		}
		mustRun(t, "export", "--data", data, "--out", file)
		if !bytes.HasPrefix(content(t, file), first[:len(first)-500]) {
			t.Errorf("%s: it is not gone on with", what)
		}
	}
}

// A file that is no export is left as it is, and so is whatever a data directory has.
func TestExportLeavesOtherFilesAlone(t *testing.T) {
	dir := t.TempDir()
	data, file := filepath.Join(dir, "identity-data"), filepath.Join(dir, "notes")
	mustRun(t, "seed", "--data", data, "--users", "3", "--groups", "1")
	for _, text := range []string{"important notes", "important\nnotes\n", "{", `{"format":"identity-c`, `{"format":"identity-commits"`, "\x00", "\n"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if len(text) < 40 && bytes.HasPrefix([]byte(`{"format":"identity-commits"`), []byte(text)) {
			mustRun(t, "export", "--data", data, "--out", file) // cut off in its first line
			mustRun(t, "export", "--data", data, "--out", file)
			continue
		}
		fails(t, "of no format that is known: name a new file", "export", "--data", data, "--out", file)
		if got := content(t, file); string(got) != text {
			t.Errorf("%q became %q", text, got)
		}
		fails(t, "of no format that is known", "import", "--data", filepath.Join(dir, "new"), file)
	}
	link, dangling := filepath.Join(dir, "link"), filepath.Join(dir, "dangling")
	if err := errors.Join(os.Symlink(filepath.Join(data, "log"), link), os.Symlink(filepath.Join("link", "new"), dangling)); err != nil {
		t.Fatal(err)
	}
	for _, out := range []string{dangling, filepath.Join(data, "commits"), filepath.Join(data, "log", "acknowledged"), filepath.Join(link, "new"), filepath.Join(data, "not", "there")} {
		for _, args := range [][]string{{"export", "--data", data, "--out", out}, {"backup", "--data", data, out}} {
			if code, _, errs := runHere(t, args...); code != exitUsage || !strings.Contains(errs, "is in the data directory itself") {
				t.Errorf("%v ends with %d: %s", args, code, errs)
			}
		}
	}
	mustRun(t, "export", "--data", data, "--out", os.DevNull)
	mustRun(t, "verify", "--data", data)
}

func content(t *testing.T, file string) []byte {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
