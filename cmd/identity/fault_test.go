package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// A disk that fills up refuses writes while there is still room, goes on with
// reads, and takes writes again, by itself, once there is more.
func TestDiskThatFillsUp(t *testing.T) {
	var free atomic.Uint64
	free.Store(10 << 30)
	b, err := openBackends(t.Context(), t.TempDir(), settings{freeSpace: func() (uint64, error) { return free.Load(), nil }})
	if err != nil {
		t.Fatal(err)
	}
	c, err := serveHere(b)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := c.close(); err != nil {
			t.Error(err)
		}
	}()
	var homer struct{ ID string }
	if _, err := c.do(t.Context(), http.MethodPost, "/users", map[string]string{"username": "homer"}, &homer); err != nil {
		t.Fatal(err)
	}
	free.Store(1 << 20)
	_, err = c.do(t.Context(), http.MethodPost, "/users", map[string]string{"username": "marge"}, nil)
	var refused *problem
	if !errors.As(err, &refused) || refused.Status != http.StatusServiceUnavailable || refused.Code != "unavailable" {
		t.Errorf("on a full disk a write is answered with %v", err)
	}
	if _, err := c.do(t.Context(), http.MethodGet, "/users/"+homer.ID, nil, nil); err != nil {
		t.Errorf("on a full disk a read is answered with %v", err)
	}
	if status := b.storeStatus(); !strings.Contains(status.Refusing, "disk almost full") {
		t.Errorf("the store's status is %+v", status)
	}
	free.Store(10 << 30)
	if _, err := c.do(t.Context(), http.MethodPost, "/users", map[string]string{"username": "marge"}, nil); err != nil {
		t.Errorf("with room again a write is answered with %v", err)
	}
}

// When a sync has failed, what is in memory may not be what is on the disk: the
// process ends with an error at once, and writes nothing more.
func TestFailedSyncEndsTheProcess(t *testing.T) {
	dir := t.TempDir()
	read, write := io.Pipe()
	s := &service{flags: &serveCommand{dataFlags: dataFlags{Data: dir, Store: "embedded"}, Listen: "127.0.0.1:0", Search: "embedded", DrainDelay: time.Hour}}
	s.lines, s.log, s.access = newLogs(write, "text")
	ended := make(chan error, 1)
	go func() {
		ended <- s.run(context.WithoutCancel(t.Context()))
		_ = write.Close()
	}()
	lines := bufio.NewScanner(read)
	failure := errors.New("the disk lies")
	for lines.Scan() {
		if readyLine.MatchString(lines.Text()) {
			s.backends.settings.fatal(failure)
		}
	}
	if err := <-ended; !errors.Is(err, failure) {
		t.Errorf("it ends with %v", err)
	}
	if snapshots, err := filepath.Glob(filepath.Join(dir, "snapshots", "*.snapshot")); err != nil || len(snapshots) > 0 {
		t.Errorf("it wrote %v, %v", snapshots, err)
	}
}
