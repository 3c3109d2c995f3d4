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

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed5b6a70b4/identity/commands"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/httpapi"
	"github.com/seed5b6a70b4/identity/internal/seeding"
)

// A disk that fills up refuses writes while there is still room, goes on with
// reads, and takes writes again, by itself, once there is more.
func TestDiskThatFillsUp(t *testing.T) {
	var free atomic.Uint64
	free.Store(10 << 30)
	registry := prometheus.NewRegistry()
	b, err := openEmbedded(t.Context(), t.TempDir(), settings{registry: registry, freeSpace: func() (uint64, error) { return free.Load(), nil }})
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
	if told := toldFree(t, registry); told != 1<<20 {
		t.Errorf("before anything is written the metric tells of %v bytes", told)
	}
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
	if told := toldFree(t, registry); told != 10<<30 {
		t.Errorf("with room again the metric tells of %v bytes", told)
	}
	if _, err := c.do(t.Context(), http.MethodPost, "/users", map[string]string{"username": "marge"}, nil); err != nil {
		t.Errorf("with room again a write is answered with %v", err)
	}
}

// toldFree is how much room the metrics say that the disk has.
func toldFree(t *testing.T, registry *prometheus.Registry) float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() == "identity_store_disk_free_bytes" {
			return family.Metric[0].GetGauge().GetValue()
		}
	}
	t.Fatal("there is no metric of the disk's room")
	return 0
}

// When a sync has failed, what is in memory may not be what is on the disk: the
// process ends with an error at once, and writes nothing more.
func TestFailedSyncEndsTheProcess(t *testing.T) {
	dir := t.TempDir()
	read, write := io.Pipe()
	s := &service{flags: &serveCommand{dataFlags: dataFlags{Data: dir, Store: "embedded"}, followFlags: followFlags{Search: embeddedSearch}, sweepFlags: sweepFlags{SweepEvery: time.Hour}, Listen: "127.0.0.1:0", DrainDelay: time.Hour}}
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
			s.engine.base().settings.fatal(failure)
		}
	}
	if err := <-ended; !errors.Is(err, failure) {
		t.Errorf("it ends with %v", err)
	}
	if snapshots, err := filepath.Glob(filepath.Join(dir, "snapshots", "*.snapshot")); err != nil || len(snapshots) > 0 {
		t.Errorf("it wrote %v, %v", snapshots, err)
	}
}

// A commit that this build cannot read parks its stream: that is seen, and
// everything else goes on.
func TestParkedStreamIsSeen(t *testing.T) {
	registry := prometheus.NewRegistry()
	b, err := openEmbedded(t.Context(), t.TempDir(), settings{registry: registry})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := b.close(); err != nil {
			t.Error(err)
		}
	}()
	stream := eventstream.UserStream(uuid.Must(uuid.NewV7()))
	_, err = b.streams.Append(t.Context(), eventstream.Transaction{
		Command: uuid.Must(uuid.NewV7()), Actor: "test", Correlation: "test",
		Entries: []eventstream.Entry{{Stream: stream, Expect: eventstream.Empty(), Data: []byte(`[{"type":"SetNonsense","v":1,"data":{}}]`)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	status := b.viewStatus()[0]
	want := httpapi.ViewStatus{
		Name: "memview", Position: 2, Parked: 1,
		Streams: []httpapi.ParkedStream{{Stream: stream, Seq: 1, Reason: "unknown_event"}},
	}
	if diff := cmp.Diff(want, status); diff != "" {
		t.Errorf("the view's status (-want +got):\n%s", diff)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() == "identity_view_parked_streams" && family.GetMetric()[0].GetGauge().GetValue() != 1 {
			t.Errorf("the metrics say %v", family)
		}
	}
	if _, err := b.commands.Do(t.Context(), commands.Request{Actor: "test", Correlation: "test"}, (seeding.Plan{Seed: 1}).User(0)); err != nil {
		t.Errorf("another user cannot be made: %v", err)
	}
}

// A commit of nesting that this build cannot read parks the closure: that is seen
// though nobody asks for effective memberships, and direct ones are answered.
func TestParkedClosureIsSeen(t *testing.T) {
	registry := prometheus.NewRegistry()
	b, err := openEmbedded(t.Context(), t.TempDir(), settings{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := b.close(); err != nil {
			t.Error(err)
		}
	}()
	registerClosure(registry, b.closure)
	_, err = b.streams.Append(t.Context(), eventstream.Transaction{
		Command: uuid.Must(uuid.NewV7()), Actor: "test", Correlation: "test",
		Entries: []eventstream.Entry{{Stream: eventstream.NestingStream, Expect: eventstream.Empty(), Data: []byte(`[{"type":"SetNonsense","v":1,"data":{}}]`)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if status := b.closureStatus(); status.Behind != 1 || status.Parked != 0 {
		t.Errorf("before it was followed, the closure's status is %+v", status)
	}
	if err := b.closure.Refresh(t.Context()); !errors.Is(err, eventstream.ErrParked) {
		t.Errorf("refreshed with %v", err)
	}
	views := b.viewStatus()
	want := httpapi.ViewStatus{
		Name: "closure", Behind: 1, Lag: -1, Parked: 1,
		Streams: []httpapi.ParkedStream{{Stream: eventstream.NestingStream, Seq: 1, Reason: "unknown_event"}},
	}
	if diff := cmp.Diff(want, views[len(views)-1]); diff != "" {
		t.Errorf("the closure's status (-want +got):\n%s", diff)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]float64{}
	for _, family := range families {
		shown[family.GetName()] = family.GetMetric()[0].GetGauge().GetValue()
	}
	if shown["identity_closure_parked"] != 1 || shown["identity_closure_lag_commits"] != 1 {
		t.Errorf("the metrics say %v", shown)
	}
}
