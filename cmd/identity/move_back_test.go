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

	"github.com/seed5b6a70b4/identity/eventstream"
)

// A directory under load of two processes moves from DynamoDB to the embedded store
// without a stop of its reads, and nothing that was acknowledged is lost.
func TestMoveBackUnderLoad(t *testing.T) {
	t.Setenv(claimVar, strings.Repeat("ab", 32))
	t.Setenv(fromVar, cloudAdminKey)
	dir, env := t.TempDir(), cloudAt(t)
	old, other := mustStartWith(t, dir, env, "serve", "--listen", "127.0.0.1:0"), mustStartWith(t, dir, env, "serve", "--listen", "127.0.0.1:0")
	t.Setenv("IDENTITY_STORE", embeddedStore)
	data := filepath.Join(dir, "moved")
	replica := moves(t, old.url, 1, func(from string) *process {
		return mustStartWith(t, dir, os.Environ(), "replicate", "--from", from, "--listen", "127.0.0.1:0", "--data", data)
	}, old, other)
	mustRun(t, "verify", "--url", replica.url)

	_ = old.signal(syscall.SIGTERM)
	old.wait()
	again := mustStartWith(t, dir, env, "serve", "--listen", "127.0.0.1:0")
	says(t, again.url+"/users", "", `{"username":"nobody"}`, 503, "store_closed")
	says(t, again.url+"/store", "", "", 200, `"role":"closed"`)
}

// A store that is closed through one process is written to by no other: once the close
// is answered, another one refuses writes, and whatever it acknowledged is there.
func TestClosingFencesEveryProcess(t *testing.T) {
	dir, env := t.TempDir(), cloudAt(t)
	processes := make([]*process, 2)
	for i := range processes {
		processes[i] = mustStartWith(t, dir, env, "serve", "--listen", "127.0.0.1:0")
	}
	closes, writes := processes[0], processes[1]
	epoch := epochOf(t, writes.url)
	l := underLoad(t, 3, 20*time.Millisecond, writes.url)
	until(t, &l.acknowledged, 30)
	says(t, closes.url+"/store:close", "", "{}", 200, `"role":"closed"`)
	closed := everyCommit(t, closes.url)
	says(t, writes.url+"/users", "", `{"username":"nobody"}`, 503, "store_closed")
	says(t, writes.url+"/store", "", "", 200, `"role":"closed"`)
	l.stop()
	if l.refused["store_closed"] == 0 {
		t.Error("no write came after the store was closed")
	}
	l.nothingLost(epoch, closed, closed)
}

// What no view can show is in no events: a store that has something of that kind is not
// closed, and takes writes still.
func TestWhatIsParkedIsNotLeftBehind(t *testing.T) {
	dir, env := t.TempDir(), cloudAt(t)
	served := mustStartWith(t, dir, env, "serve", "--listen", "127.0.0.1:0")
	id, token := newUser(t, served.url, "homer")
	says(t, served.url+"/users/"+id, token, "", 200, id)
	e, err := openCloud(t.Context(), os.Getenv("IDENTITY_TABLE_PREFIX"), followFlags{Feed: noFeed, Search: noSearch}, settings{})
	if err != nil {
		t.Fatal(err)
	}
	written, err := e.base().streams.Append(t.Context(), eventstream.Transaction{
		Command: uuid.Must(uuid.NewV7()), Actor: "test", Correlation: "test",
		Entries: []eventstream.Entry{{Stream: eventstream.UserStream(uuid.MustParse(id)), Expect: eventstream.Exactly(1), Data: []byte(`[{"type":"SetShoeSize","v":1,"data":{}}]`)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	parked, err := eventstream.NewToken(written[0].Position()).Encode(e.base().directory.Epoch)
	if err := errors.Join(err, e.close()); err != nil {
		t.Fatal(err)
	}
	eventually(t, serversTime, "it is parked", func() error {
		if got := ask(t, served.url+"/users/"+id, parked, ""); !strings.Contains(got.body, `"parked"`) {
			return errNotYet
		}
		return nil
	})
	if got := ask(t, served.url+"/store:close", "", "{}"); got.status != 503 || !strings.Contains(got.body, `"parked"`) {
		t.Errorf("a close is answered %d %s", got.status, got.body)
	}
	says(t, served.url+"/store", "", "", 200, `"role":"primary"`)
	newUser(t, served.url, "marge")
}
