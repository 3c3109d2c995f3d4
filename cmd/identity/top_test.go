package main

import (
	"context"
	"math"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// What Prometheus writes is what is read, whatever stands in labels.
func TestMetricsAreReadAsTheyAreWritten(t *testing.T) {
	registry := prometheus.NewRegistry()
	seconds := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "x_seconds", Buckets: []float64{.1, .2, .4}}, []string{"route", "status"})
	registry.MustRegister(seconds)
	write := func() measured {
		t.Helper()
		answer := httptest.NewRecorder()
		promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), "GET", "/metrics", nil))
		found, err := readMetrics(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	odd := "a\"b\\c,d={e}\nf"
	seconds.WithLabelValues(odd, "500").Observe(5)
	before := write()
	for range 90 {
		seconds.WithLabelValues("/users", "200").Observe(.05)
	}
	for range 10 {
		seconds.WithLabelValues("/users", "200").Observe(.3)
	}
	after := write()
	if n := after.sum("x_seconds_count", nil) - before.sum("x_seconds_count", nil); n != 100 {
		t.Errorf("%v were added, not 100", n)
	}
	if n := after.sum("x_seconds_count", func(l map[string]string) bool { return l["route"] == odd && failed(l) }); n != 1 {
		t.Errorf("%v are of the odd route: %v", n, after["x_seconds_count"])
	}
	if p50, p99 := after.quantile(before, "x_seconds", .5), after.quantile(before, "x_seconds", .99); p50 <= 0 || p50 > .1 || p99 <= .2 || p99 > .4 {
		t.Errorf("p50 %v, p99 %v", p50, p99)
	}
	if none := after.quantile(after, "x_seconds", .5); !math.IsNaN(none) {
		t.Errorf("of nothing p50 is %v", none)
	}
}

// What is no metric is passed over; nothing makes it stumble.
func FuzzReadMetrics(f *testing.F) {
	for _, seed := range []string{"a 1\n", `a{b="c"} 2`, `a{b="c`, `a{b`, `a{`, "# HELP a\n", `a{b="c",} 1e9`, `{} 1`, "a{}NaN", `a{="x"} 1`} {
		f.Add(seed)
	}
	f.Fuzz(func(_ *testing.T, text string) {
		found, _ := readMetrics(strings.NewReader(text))
		_ = found.quantile(nil, "a", .5)
	})
}

// Where nobody watches a line is written for each look, and a service that goes
// away and comes back is found again.
func TestTopSurvivesTheService(t *testing.T) {
	dir := t.TempDir()
	p := mustStart(t, dir)
	out := &lockedBuffer{}
	ended := make(chan error, 1)
	top := &topCommand{URL: p.url, Interval: 100 * time.Millisecond}
	top.Data, top.Store, top.TablePrefix = dir+"/identity-data", embeddedStore, "identity"
	ctx, end := contextOf(t)
	go func() { ended <- top.Run(&console{ctx: ctx, out: out, err: out}) }()
	says := func(what string) {
		t.Helper()
		eventually(t, time.Minute, what, func() error {
			if lines := strings.Split(strings.TrimSpace(out.take()), "\n"); !strings.Contains(lines[len(lines)-1], what) {
				return errNotYet
			}
			return nil
		})
	}
	says(" ready requests/s=")
	says("memview=0/0.0s")
	if err := p.signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	p.wait()
	says(" away: ")
	mustStart(t, dir, "--listen", strings.TrimPrefix(p.url, "http://"))
	says(" ready requests/s=")
	end()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	empty := t.TempDir()
	if err := os.Mkdir(filepath.Join(empty, "log"), directoryMode); err != nil {
		t.Fatal(err)
	}
	fails(t, "there is no directory of users and groups", "top", "--count", "1", "--data", filepath.Join(empty, "nope"))
	fails(t, "no look was answered: no serve that is ready has "+empty, "top", "--count", "2", "--interval", "100ms", "--data", empty)
	for _, args := range [][]string{{"--interval", "1ms"}, {"--count", "-1"}, {"--url", "nonsense"}} {
		if code, _, errs := runHere(t, append([]string{"top"}, args...)...); code != exitUsage {
			t.Errorf("%v ends with %d: %s", args, code, errs)
		}
	}
}

func contextOf(t *testing.T) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	return ctx, cancel
}

// lockedBuffer may be written to and read at once.
type lockedBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) take() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
