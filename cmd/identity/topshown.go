package main

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// The metrics that top shows.
const (
	requestSeconds = "identity_http_request_seconds"
	storeCommits   = "identity_store_commits_total"
	storeAppends   = "identity_store_transactions_total"
	storeConflicts = "identity_store_conflicts_total"
	followersNow   = "identity_changes_followers"
	inFlightNow    = "identity_http_requests_in_flight"
	liveHeap       = "go_memstats_heap_alloc_bytes"
)

// rate is by how much a metric has risen a second; NaN if that is not known.
func (l *look) rate(name string, chosen func(map[string]string) bool) float64 {
	if l.since == nil {
		return math.NaN()
	}
	risen := l.metrics.sum(name, chosen) - l.since.metrics.sum(name, chosen)
	if risen < 0 { // another process has taken its place
		return math.NaN()
	}
	return risen / max(l.at.Sub(l.since.at).Seconds(), 1e-3)
}

func (l *look) latency(share float64) float64 {
	if l.since == nil {
		return math.NaN()
	}
	return l.metrics.quantile(l.since.metrics, requestSeconds, share)
}

// failed chooses answers that say that the service could not.
func failed(labels map[string]string) bool { return strings.HasPrefix(labels["status"], "5") }

func (l *look) parked() (parked int) {
	for _, view := range l.ready.Views {
		parked += view.Parked
	}
	return parked
}

// line is a look on one line.
func (l *look) line() string {
	at := l.at.UTC().Format(time.RFC3339)
	if l.err != nil {
		return at + " away: " + oneLine(l.err)
	}
	text := fmt.Sprintf("%s %s requests/s=%s p50=%s p99=%s failed/s=%s appends/s=%s commits/s=%s", at, l.ready.Status,
		number(l.rate(requestSeconds+"_count", nil)), milliseconds(l.latency(.5)), milliseconds(l.latency(.99)),
		number(l.rate(requestSeconds+"_count", failed)), number(l.rate(storeAppends, nil)), number(l.rate(storeCommits, nil)))
	for _, view := range l.ready.Views {
		text += fmt.Sprintf(" %s=%d/%s", view.Name, view.Behind, lag(view.LagSeconds))
		if view.Failing != "" {
			text += "/failing"
		}
	}
	return text + fmt.Sprintf(" parked=%d followers=%.0f", l.parked(), l.metrics.sum(followersNow, nil))
}

// lines are a look as it fills a screen.
func (l *look) lines() []string {
	if l.err != nil {
		return []string{"identity top   " + l.at.Format(time.TimeOnly), "", "away: " + oneLine(l.err), "", "looking again; q ends"}
	}
	status := l.ready.Status
	if l.ready.Reason != "" {
		status += " (" + l.ready.Reason + ")"
	}
	lines := []string{
		fmt.Sprintf("identity top   %s   %s   %s", l.at.Format(time.TimeOnly), l.url, status), "",
		fmt.Sprintf("%-12s %10s/s   p50 %-9s p99 %-9s failed %s/s   in flight %.0f", "requests", number(l.rate(requestSeconds+"_count", nil)),
			milliseconds(l.latency(.5)), milliseconds(l.latency(.99)), number(l.rate(requestSeconds+"_count", failed)), l.metrics.sum(inFlightNow, nil)),
		fmt.Sprintf("%-12s %10s/s   commits %s/s   conflicts %s/s", "appends", number(l.rate(storeAppends, nil)), number(l.rate(storeCommits, nil)), number(l.rate(storeConflicts, nil))),
		fmt.Sprintf("%-12s %10.0f     heap %.0f MiB", "followers", l.metrics.sum(followersNow, nil), l.metrics.sum(liveHeap, nil)/(1<<20)),
	}
	if store := l.ready.Store; store != nil {
		text := fmt.Sprintf("%-12s %10d     free %.1f GiB", "log", store.Position, float64(store.FreeBytes)/(1<<30))
		if !store.Writable {
			text += "   takes no writes: " + store.Reason
		}
		if store.Damage != "" {
			text += "   damage: " + store.Damage
		}
		lines = append(lines, text)
	}
	lines = append(lines, "", fmt.Sprintf("%-20s %14s %10s %10s %8s", "view", "position", "behind", "lag", "parked"))
	for _, view := range l.ready.Views {
		lines = append(lines, fmt.Sprintf("%-20s %14d %10d %10s %8d", view.Name, view.Position, view.Behind, lag(view.LagSeconds), view.Parked))
	}
	for _, view := range l.ready.Views {
		if view.Failing != "" {
			lines = append(lines, "", view.Name+": "+view.Failing)
		}
	}
	if parked := l.parked(); parked > 0 {
		lines = append(lines, "", fmt.Sprintf("%d parked: `identity parked` lists them", parked))
	}
	return append(lines, "", "q ends")
}

func number(n float64) string {
	switch {
	case math.IsNaN(n):
		return "-"
	case n >= 100 || n == math.Trunc(n):
		return fmt.Sprintf("%.0f", n)
	}
	return fmt.Sprintf("%.1f", n)
}

func milliseconds(seconds float64) string {
	if math.IsNaN(seconds) {
		return "-"
	}
	return fmt.Sprintf("%.2fms", 1000*seconds)
}

func lag(seconds *float64) string {
	if seconds == nil {
		return "-"
	}
	return fmt.Sprintf("%.1fs", *seconds)
}

func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }
