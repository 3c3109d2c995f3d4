package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/logstore"
)

// logOf reads the log of a data directory that is not served.
func logOf(t *testing.T, data string) (transactions [][]eventstream.Commit) {
	t.Helper()
	for transaction, err := range logstore.Scan(t.Context(), dataDirectory{data}.log()) {
		if err != nil {
			t.Fatal(err)
		}
		transactions = append(transactions, transaction)
	}
	return transactions
}

// sameBeginning demands that a copy begins as what it was made from, commit by commit,
// and goes on as long.
func sameBeginning(t *testing.T, original, copied [][]eventstream.Commit, least int) {
	t.Helper()
	if len(copied) < least {
		t.Fatalf("the copy has %d transactions, less than %d", len(copied), least)
	}
	for i := range copied[:least] {
		for k := range copied[i] {
			if copied[i][k].Hash != original[i][k].Hash || copied[i][k].Stream != original[i][k].Stream {
				t.Fatalf("transaction %d of the copy is another", i+1)
			}
		}
	}
}

// mustRun runs a command in this process that must end well.
func mustRun(t *testing.T, args ...string) (out string) {
	t.Helper()
	code, out, errs := runHere(t, args...)
	if code != exitDone {
		t.Fatalf("%v ends with %d: %s%s", args, code, out, errs)
	}
	return out
}

// fails runs a command that must fail, and say why.
func fails(t *testing.T, says string, args ...string) {
	t.Helper()
	if code, out, errs := runHere(t, args...); code != exitFailed || !strings.Contains(errs, says) {
		t.Errorf("%v ends with %d: %s%s; want %q", args, code, out, errs, says)
	}
}

// writing writes users until it is stopped, and tells how many were acknowledged.
func writing(t *testing.T, url string) (acknowledged *atomic.Int64, stop func()) {
	t.Helper()
	acknowledged = &atomic.Int64{}
	ctx, cancel := context.WithCancel(t.Context())
	var writers sync.WaitGroup
	for w := range 4 {
		writers.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				newUser(t, url, fmt.Sprintf("writer%d.%d", w, i))
				acknowledged.Add(1)
			}
		})
	}
	stop = sync.OnceFunc(func() { cancel(); writers.Wait() })
	t.Cleanup(stop)
	return acknowledged, stop
}

func until(t *testing.T, n *atomic.Int64, least int64) {
	t.Helper()
	eventually(t, serversTime, "enough was written", func() error {
		if at := n.Load(); at < least {
			return fmt.Errorf("%d were written", at)
		}
		return nil
	})
}

// A directory is exported while it is written to, and imported: the copy has a prefix
// of it that goes on, and a life of its own.
func TestExportAndImport(t *testing.T) {
	t.Setenv(adminVar, cloudAdminKey)
	dir := t.TempDir()
	data, file, other := filepath.Join(dir, "identity-data"), filepath.Join(dir, "commits.ndjson"), filepath.Join(dir, "other")
	p := mustStart(t, dir)
	id, token := newUser(t, p.url, "homer")
	acknowledged, stop := writing(t, p.url)
	until(t, acknowledged, 50)
	before := acknowledged.Load()
	mustRun(t, "export", "--data", data, "--out", file)
	stop()
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for range 6 { // cut anywhere, it is gone on with
		if err := os.WriteFile(file, whole[:rand.N(len(whole))], 0o600); err != nil {
			t.Fatal(err)
		}
		mustRun(t, "export", "--url", p.url, "--out", file)
	}
	_ = p.signal(syscall.SIGTERM)
	if code := p.wait(); code != exitDone {
		t.Fatalf("serve ends with %d", code)
	}
	original := logOf(t, data)

	fails(t, "claim secret is missing", "import", "--data", other, file)
	t.Setenv(claimVar, strings.Repeat("ab", 32))
	fails(t, "claim secret is not this store's", "import", "--data", other, file)
	secret, err := os.ReadFile(filepath.Join(data, claimFile))
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(claimVar, strings.TrimSpace(string(secret)))
	first := filepath.Join(dir, "first.ndjson")
	if err := os.WriteFile(first, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	mustRun(t, "import", "--data", other, first)
	if copied := logOf(t, other); int64(len(copied)) < before+2 {
		t.Fatalf("%d transactions, and %d users were acknowledged before the export", len(copied), before)
	}
	for range 2 { // the same again writes nothing
		mustRun(t, "import", "--data", other, file)
		sameBeginning(t, original, logOf(t, other), len(original))
	}
	livesOn(t, dir, other, file, id, token)
}

// livesOn serves a copy, which begins a life of its own: tokens of the other are
// refused, what is taken stays so, and nothing is imported into it.
func livesOn(t *testing.T, dir, other, file, id, token string) {
	t.Helper()
	copied := mustStart(t, dir, "--data", other)
	if got := ask(t, copied.url+"/users/"+id, token, ""); got.status != 400 || !strings.Contains(got.body, "foreign_token") {
		t.Errorf("a token of the directory that was exported is answered %d %s", got.status, got.body)
	}
	if got := ask(t, copied.url+"/users/"+id, "", ""); got.status != 200 {
		t.Errorf("the user is answered %d %s", got.status, got.body)
	}
	if got := ask(t, copied.url+"/users", "", `{"username":"Homer"}`); got.status != 409 {
		t.Errorf("a name that is taken is answered %d %s", got.status, got.body)
	}
	fails(t, "not served", "import", "--data", other, file)
	mustRun(t, "verify", "--data", other)
	_, newToken := newUser(t, copied.url, "marge")
	_ = copied.signal(syscall.SIGTERM)
	copied.wait()
	again := mustStart(t, dir, "--data", other)
	if got := ask(t, again.url+"/users/"+id, newToken, ""); got.status != 200 {
		t.Errorf("a token of the copy is answered %d %s after a restart", got.status, got.body)
	}
}

// A file that is not what was exported, or does not continue what is there, is refused
// with what is wrong.
func TestImportRefuses(t *testing.T) {
	dir := t.TempDir()
	data, file, other := filepath.Join(dir, "identity-data"), filepath.Join(dir, "commits.ndjson"), filepath.Join(dir, "other")
	mustRun(t, "seed", "--data", data, "--users", "30", "--groups", "2")
	mustRun(t, "export", "--data", data, "--out", file)
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := os.ReadFile(filepath.Join(data, claimFile))
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(claimVar, strings.TrimSpace(string(secret)))
	with := func(changed []byte) string {
		name := filepath.Join(t.TempDir(), "changed")
		if err := os.WriteFile(name, changed, 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	flipped := bytes.Clone(whole)
	flipped[bytes.Index(whole, []byte("\n"))+300] ^= 4
	fails(t, "line 2 is damaged", "import", "--data", filepath.Join(dir, "flipped"), with(flipped))
	fails(t, "is damaged", "export", "--data", data, "--out", with(flipped))
	fails(t, "is cut off", "import", "--data", other, with(whole[:len(whole)/2]))
	mustRun(t, "import", "--data", other, file)

	third := filepath.Join(dir, "third")
	mustRun(t, "seed", "--data", third, "--users", "3", "--groups", "1")
	fails(t, "commit 1 of stream store contradicts", "import", "--data", third, file)
	fails(t, "another directory", "export", "--data", third, "--out", file)
	fails(t, "no such file", "import", "--data", third, filepath.Join(dir, "none"))
	if code, _, _ := runHere(t, "import", "--data", third); code != exitUsage {
		t.Errorf("import without a file ends with %d", code)
	}
}

// An export and an import that are killed at any moment are run again, and do the rest.
func TestExportAndImportKilled(t *testing.T) {
	dir := t.TempDir()
	data, file, other := filepath.Join(dir, "identity-data"), filepath.Join(dir, "commits.ndjson"), filepath.Join(dir, "other")
	mustRun(t, "seed", "--data", data, "--users", "4000", "--groups", "20")
	secret, err := os.ReadFile(filepath.Join(data, claimFile))
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(claimVar, strings.TrimSpace(string(secret)))
	for _, args := range [][]string{{"export", "--data", data, "--out", file}, {"import", "--data", other, file}} {
		for patience := 5 * time.Millisecond; ; patience = patience * 3 / 2 {
			ctx, cancel := context.WithTimeout(t.Context(), patience/2+rand.N(patience))
			command := exec.CommandContext(ctx, os.Args[0], args...) // killed when the time is over
			command.Env = append(os.Environ(), beIdentity+"=1")
			output, err := command.CombinedOutput()
			killed := ctx.Err() != nil
			cancel()
			if err == nil {
				break
			}
			if !killed {
				t.Fatalf("%v: %v: %s", args, err, output)
			}
		}
	}
	original := logOf(t, data)
	sameBeginning(t, original, logOf(t, other), len(original))
	mustRun(t, "verify", "--data", other)
}

// A backup of a directory that is written to has all that was acknowledged before it
// began; restored, it has a life of its own.
func TestBackup(t *testing.T) {
	t.Setenv(adminVar, cloudAdminKey)
	dir := t.TempDir()
	data, backup := filepath.Join(dir, "identity-data"), filepath.Join(dir, "backup")
	p := mustStart(t, dir)
	id, token := newUser(t, p.url, "homer")
	acknowledged, stop := writing(t, p.url)
	for round := range 3 {
		until(t, acknowledged, int64(100*round+50))
		before := acknowledged.Load()
		into := fmt.Sprint(backup, round)
		mustRun(t, "backup", "--data", data, into)
		if copied := logOf(t, into); int64(len(copied)) < before+2 {
			t.Fatalf("the backup has %d transactions, and %d users were acknowledged before it began", len(copied), before)
		}
	}
	stop()
	fails(t, "is not empty", "backup", "--data", data, backup+"0")
	unfinished := dataDirectory{backup + "1"}
	if err := unfinished.create(unfinishedBackup, "", secretMode); err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"verify", "export"} {
		fails(t, "unfinished", command, "--data", unfinished.path)
	}
	fails(t, "unfinished", "backup", "--data", unfinished.path, backup+"9")
	if _, err := openEmbedded(t.Context(), unfinished.path, settings{}); err == nil {
		t.Fatal("an unfinished backup was opened")
	}
	mustRun(t, "backup", "--data", data, unfinished.path)
	_ = p.signal(syscall.SIGTERM)
	p.wait()
	original := logOf(t, data)
	for round := range 3 {
		copied := logOf(t, fmt.Sprint(backup, round))
		sameBeginning(t, original, copied, len(copied))
	}
	if _, err := os.Stat(filepath.Join(backup+"0", adminFile)); err == nil {
		t.Error("the admin key is in the backup")
	}
	mustRun(t, "verify", "--data", backup+"0")
	if copied := logOf(t, backup+"0"); len(copied) > len(original) || copied[len(copied)-1][0].Stream == eventstream.StoreStream {
		t.Error("an audit has begun the life of a copy")
	}
	restored := mustStart(t, dir, "--data", backup+"0")
	if got := ask(t, restored.url+"/users/"+id, token, ""); got.status != 400 || !strings.Contains(got.body, "foreign_token") {
		t.Errorf("a token of before is answered %d %s", got.status, got.body)
	}
	if got := ask(t, restored.url+"/users/"+id, "", ""); got.status != 200 {
		t.Errorf("the user is answered %d %s", got.status, got.body)
	}
	mustRun(t, "verify", "--data", backup+"0")
}
