package main

import (
	"errors"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A write beyond what a process may write into a file is an error to it, as on a full
// disk, and not its end.
func init() { signal.Ignore(syscall.SIGXFSZ) }

// roomFor bounds how far the files of a process may reach, from now on.
func roomFor(t *testing.T, p *process, bytes uint64) {
	t.Helper()
	if err := unix.Prlimit(p.command.Process.Pid, unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: bytes, Max: unix.RLIM_INFINITY}, nil); err != nil {
		t.Fatal(err)
	}
}

// fillUp writes until a write is refused, and tells how.
func fillUp(t *testing.T, p *process, word string) (acknowledged []*person, refused *person) {
	t.Helper()
	for range 1000 {
		who := newPerson(word)
		r := who.keep(p.ask(t, http.MethodPost, "/users", who), who.DisplayName)
		if r.status == http.StatusCreated {
			acknowledged = append(acknowledged, who)
			continue
		}
		if fault := r.refused(5*time.Second, "unavailable"); fault != "" {
			t.Errorf("on a full disk a write is answered %s: %s", fault, r.body)
		}
		return acknowledged, who
	}
	t.Fatal("the disk does not get full")
	return nil, nil
}

// The runbook of a full disk, where the bytes themselves are refused: writes are
// answered 503, reads go on, nothing is restarted, and once there is room writes are
// taken again. Killed while it is full, nothing is lost that was acknowledged.
func TestRunbookOfAFullDisk(t *testing.T) {
	dir := t.TempDir()
	data := filepath.Join(dir, "identity-data")
	p := guarded(t, dir)
	all := acknowledge(t, p, "before", 20)
	_, size := filled(t, data)
	roomFor(t, p, uint64(size)+10_000)
	more, refused := fillUp(t, p, "while")
	all = append(all, more...)
	allThere(t, p, all)
	for range 3 {
		if fault := p.ask(t, http.MethodPost, "/users", newPerson("refused")).refused(5*time.Second, "unavailable"); fault != "" {
			t.Errorf("a write is answered %s", fault)
		}
	}
	if r := p.ask(t, http.MethodGet, "/users/"+refused.ID, nil); r.status != http.StatusNotFound {
		t.Errorf("what was refused is answered %d", r.status)
	}

	// 1. Make room. 2. Nothing is to be restarted.
	roomFor(t, p, unix.RLIM_INFINITY)
	if r := refused.keep(p.ask(t, http.MethodPost, "/users", refused), refused.DisplayName); r.status != http.StatusCreated {
		t.Errorf("with room again a write is answered %d: %s", r.status, r.body)
	}
	all = append(all, refused)
	allThere(t, p, all)
	// 3. Verify.
	mustRun(t, "verify", "--data", data)

	_, size = filled(t, data)
	roomFor(t, p, uint64(size)+10_000)
	more, _ = fillUp(t, p, "again")
	all = append(all, more...)
	if err := p.signal(syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		t.Fatal(err)
	}
	p.wait()
	if out := mustRun(t, "verify", "--data", data); !strings.Contains(out, "no drift") {
		t.Errorf("verify says %s", out)
	}
	// Snapshots may go.
	if err := os.RemoveAll(filepath.Join(data, "snapshots")); err != nil {
		t.Fatal(err)
	}
	allThere(t, guarded(t, dir), all)
}
