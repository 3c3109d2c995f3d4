package main

import (
	"bytes"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed5b6a70b4/identity/httpapi"
)

// Lines of the access log wait until somebody flushes, come out whole and in
// order, and before a line of the service's log.
func TestLinesStayWholeAndInOrder(t *testing.T) {
	var out bytes.Buffer
	lines, log, access := newLogs(&out, "json")
	access.tell(&httpapi.Access{Route: "first"})
	if out.Len() > 0 {
		t.Errorf("the access log is written at once: %s", out.String())
	}
	log.Info("second")
	if text := out.String(); strings.Count(text, "\n") != 2 || strings.Index(text, "first") > strings.Index(text, "second") {
		t.Errorf("the logs say\n%s", text)
	}
	access.tell(&httpapi.Access{Route: "third"})
	if err := lines.Flush(); err != nil || !strings.HasSuffix(out.String(), "\n") || !strings.Contains(out.String(), "third") {
		t.Errorf("flushed: %v\n%s", err, out.String())
	}
	out.Reset()
	for range 2000 {
		access.tell(&httpapi.Access{Route: "a line that is long enough for the buffer to fill up after a thousand of them"})
	}
	if text := out.String(); text == "" || !strings.HasSuffix(text, "\n") {
		t.Error("a full buffer is not written, or not in whole lines")
	}
}

// The lines of the access log are as the service's log would write them.
func TestAccessLinesAreLikeTheServicesOwn(t *testing.T) {
	at := time.Date(2026, 3, 4, 5, 6, 7, 8e6, time.UTC)
	a := httpapi.Access{At: at, Route: "GET /users/{id}", Status: 200, Bytes: 219, Took: 1234567, Actor: "admin", Request: "a-b/c=1"}
	for _, a := range []httpapi.Access{a, {At: at, Route: "none", Request: "x"}} {
		for format, handler := range map[string]func(io.Writer) slog.Handler{
			"text": func(w io.Writer) slog.Handler { return slog.NewTextHandler(w, nil) },
			"json": func(w io.Writer) slog.Handler { return slog.NewJSONHandler(w, nil) },
		} {
			var want, got bytes.Buffer
			record := slog.NewRecord(a.At, slog.LevelInfo, "request", 0)
			record.Add("route", a.Route, "status", a.Status, "bytes", a.Bytes, "took", a.Took, "actor", a.Actor, "request", a.Request)
			if err := handler(&want).Handle(t.Context(), record); err != nil {
				t.Fatal(err)
			}
			newAccessLog(&got, format).tell(&a)
			if diff := cmp.Diff(want.String(), got.String()); diff != "" {
				t.Errorf("%s (-want +got):\n%s", format, diff)
			}
		}
	}
}
