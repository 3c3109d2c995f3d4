package main

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// guarded starts a serve whose admin key is that of tests, so that process.ask may
// be used.
func guarded(t *testing.T, dir string) *process {
	t.Helper()
	t.Setenv(adminVar, cloudAdminKey)
	return mustStart(t, dir)
}

// endsWell has a process end by itself, and well.
func endsWell(t *testing.T, p *process) {
	t.Helper()
	if err := p.signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := p.wait(); code != exitDone {
		t.Fatalf("it ends with %d", code)
	}
}

// acknowledge makes some users, whose making is acknowledged.
func acknowledge(t *testing.T, p *process, word string, count int) (all []*person) {
	t.Helper()
	for range count {
		who := newPerson(word)
		if r := who.keep(p.ask(t, http.MethodPost, "/users", who), who.DisplayName); r.status != http.StatusCreated {
			t.Fatalf("a write is answered %d: %s", r.status, r.body)
		}
		all = append(all, who)
	}
	return all
}

// allThere demands that everybody is shown as acknowledged, by id, by name and in
// the list, and nobody else.
func allThere(t *testing.T, p *process, all []*person) {
	t.Helper()
	for _, who := range all {
		if who.gone {
			if r := p.ask(t, http.MethodGet, "/users/"+who.ID, nil); r.status != http.StatusNotFound {
				t.Errorf("who was removed is answered %d: %s", r.status, r.body)
			}
			continue
		}
		for _, path := range []string{"/users/" + who.ID, "/users?username=" + who.Username} {
			if r := p.ask(t, http.MethodGet, path, nil); !holdsName(r, who) {
				t.Errorf("%s is answered %d: %s", path, r.status, r.body)
			}
		}
	}
	if err := (&world{t: t}).shownAs(p, "", all); err != nil {
		t.Error(err)
	}
}

// flip changes a byte in the middle of a file's part.
func flip(t *testing.T, name string, from, to int64) {
	t.Helper()
	file, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var held [1]byte
	at := (from + to) / 2
	if _, err := file.ReadAt(held[:], at); err != nil {
		t.Fatal(err)
	}
	held[0] ^= 0x10
	if _, err := file.WriteAt(held[:], at); err != nil {
		t.Fatal(err)
	}
}

// filled is how much of a log's only segment is written.
func filled(t *testing.T, data string) (segment string, size int64) {
	t.Helper()
	segments, err := filepath.Glob(filepath.Join(data, "log", "*.log"))
	if err != nil || len(segments) != 1 {
		t.Fatalf("segments %v, %v", segments, err)
	}
	raw, err := os.ReadFile(segments[0])
	if err != nil {
		t.Fatal(err)
	}
	return segments[0], int64(len(strings.TrimRight(string(raw), "\x00")))
}

// The runbook of a corrupt entry: the last good copy is restored, and with what can
// still be read of the damaged directory nothing is lost that was acknowledged.
func TestRunbookOfACorruptEntry(t *testing.T) {
	dir := t.TempDir()
	data, copied := filepath.Join(dir, "identity-data"), filepath.Join(dir, "copy")
	p := guarded(t, dir)
	all := acknowledge(t, p, "before", 20)
	mustRun(t, "backup", "--data", data, copied)
	segment, size := filled(t, data)
	all = append(all, acknowledge(t, p, "after", 20)...)
	removed := all[3]
	(&world{t: t}).remove(p, removed)
	endsWell(t, p)
	flip(t, segment, 0, size)

	// It is told, with file, offset and position.
	named := regexp.MustCompile(regexp.QuoteMeta(filepath.Base(segment)) + `.*offset [0-9]+.*position [0-9]+`)
	if code, out, errs := runHere(t, "verify", "--data", data); code != exitFailed || !named.MatchString(out+errs) {
		t.Errorf("verify ends with %d: %s%s", code, out, errs)
	}
	// 1. Copy the data directory.
	kept := filepath.Join(dir, "kept")
	if err := os.CopyFS(kept, os.DirFS(data)); err != nil {
		t.Fatal(err)
	}
	// 2. The last good copy is whole.
	mustRun(t, "verify", "--data", copied)
	// 3. Lay it over the damaged one.
	overlay := exec.CommandContext(t.Context(), "sh", "-ec", `identity() { "$IDENTITY" "$@"; }`+"\n"+overlaid(t))
	overlay.Env = append(os.Environ(), beIdentity+"=1", "IDENTITY="+os.Args[0], "COPY="+copied, "DAMAGED="+kept)
	if said, err := overlay.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	mustRun(t, "verify", "--data", kept)

	again := mustStart(t, dir, "--data", kept)
	allThere(t, again, all)
	if r := again.ask(t, http.MethodGet, "/users/"+all[0].ID, nil, "X-Consistency", removed.token); r.status != http.StatusOK {
		t.Errorf("a token is answered %d: %s", r.status, r.body)
	}
	all = append(all, acknowledge(t, again, "fresh", 3)...)
	allThere(t, again, all)
	if out := mustRun(t, "verify", "--data", kept); !strings.Contains(out, fmt.Sprintf(" %d users", len(all))) {
		t.Errorf("verify says %s", out)
	}

	// 4. Where the damage is behind the copy, the copy is served: all of its own is there.
	alone := mustStart(t, dir, "--data", copied)
	removed.gone = false
	allThere(t, alone, all[:20])
	if r := alone.ask(t, http.MethodGet, "/users/"+all[0].ID, nil, "X-Consistency", all[0].token); r.status != http.StatusBadRequest || !strings.Contains(string(r.body), "foreign_token") {
		t.Errorf("a token of the damaged directory is answered %d: %s", r.status, r.body)
	}
}

// overlaid is the command of the runbook that lays a copy over a damaged log.
func overlaid(t *testing.T) string {
	t.Helper()
	book, err := os.ReadFile(filepath.Join("..", "..", "docs", "operations.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(book), "### A corrupt entry")
	_, after, _ = strings.Cut(after, "```sh\n")
	command, _, found := strings.Cut(after, "```")
	if !found {
		t.Fatal("the runbook has no command")
	}
	return command
}
