package main

import (
	"bytes"
	"strings"
	"testing"
)

// Lines of the access log wait until somebody flushes, come out whole and in
// order, and before a line of the service's log.
func TestLinesStayWholeAndInOrder(t *testing.T) {
	var out bytes.Buffer
	lines, log, access := newLogs(&out, "json")
	access.Info("first")
	if out.Len() > 0 {
		t.Errorf("the access log is written at once: %s", out.String())
	}
	log.Info("second")
	if text := out.String(); strings.Count(text, "\n") != 2 || strings.Index(text, "first") > strings.Index(text, "second") {
		t.Errorf("the logs say\n%s", text)
	}
	access.Info("third")
	if err := lines.Flush(); err != nil || !strings.HasSuffix(out.String(), "\n") || !strings.Contains(out.String(), "third") {
		t.Errorf("flushed: %v\n%s", err, out.String())
	}
	out.Reset()
	for range 2000 {
		access.Info("a line that is long enough for the buffer to fill up after a thousand of them or two")
	}
	if text := out.String(); text == "" || !strings.HasSuffix(text, "\n") {
		t.Error("a full buffer is not written, or not in whole lines")
	}
}
