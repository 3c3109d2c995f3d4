package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/uuid"
)

// streamed is what came of a line.
type streamed struct {
	Line, Status, Next int
	ID, ETag, Code     string
}

// streamLines sends lines from a first on, which counts from 1, and gives their
// results to got until the answer ends, whatever ends it.
func streamLines(t *testing.T, c *client, lines []string, first int, got func(streamed)) {
	t.Helper()
	body := strings.Join(lines[first-1:], "")
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.url+"/users:batch", io.NopCloser(strings.NewReader(body)))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+c.key)
	request.Header.Set("Content-Type", "application/x-ndjson")
	answer, err := c.http.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	results := bufio.NewScanner(answer.Body)
	for results.Scan() {
		var result streamed
		if err := json.Unmarshal(results.Bytes(), &result); err != nil {
			return // cut off in the middle
		}
		if result.Line > 0 {
			result.Line += first - 1
		} else {
			result.Next += first - 1
		}
		got(result)
	}
}

func newLines(n int) (lines []string) {
	for i := range n {
		lines = append(lines, fmt.Sprintf(`{"op":"create","user":{"id":"%s","username":"line-%d","email":"line-%d@example.org"}}`+"\n", uuid.Must(uuid.NewV7()), i, i))
	}
	return lines
}

// What a stream was answered survives kill -9; sent again, all is there once.
func TestAStreamThatIsKilledCanBeSentAgain(t *testing.T) {
	dir := t.TempDir()
	p := mustStart(t, dir, "--no-access-log")
	lines := newLines(20_000)
	first := map[int]streamed{}
	streamLines(t, clientOf(t, dir), lines, 1, func(result streamed) {
		if first[result.Line] = result; len(first) == 1000 {
			if err := p.signal(syscall.SIGKILL); err != nil {
				t.Error(err)
			}
		}
	})
	p.wait()
	if len(first) < 1000 || len(first) == len(lines) {
		t.Fatalf("%d lines were answered", len(first))
	}
	p = mustStart(t, dir, "--no-access-log")
	c := clientOf(t, dir)
	answered := 0
	streamLines(t, c, lines, 1, func(result streamed) {
		answered++
		before, known := first[result.Line]
		if known && (result.Status != http.StatusOK || result.ETag != before.ETag || result.ID != before.ID) || !known && result.Status != http.StatusOK && result.Status != http.StatusCreated {
			t.Errorf("again %+v, first %+v", result, before)
		}
	})
	if answered != len(lines) {
		t.Errorf("%d of %d lines were answered", answered, len(lines))
	}
	if err := p.signal(syscall.SIGTERM); err != nil || p.wait() != 0 {
		t.Errorf("the end: %v", err)
	}
	if code, out, errs := runHere(t, "verify", "--data", filepath.Join(dir, "identity-data")); code != exitDone {
		t.Errorf("verify ends with %d: %s%s", code, out, errs)
	}
}

// A service that is told to stop answers what it read of a stream and says where
// to go on; from there, nothing is done twice and nothing is left out.
func TestAStreamGoesOnAfterADrain(t *testing.T) {
	dir := t.TempDir()
	p := mustStart(t, dir, "--no-access-log", "--drain-delay", "0s")
	lines := newLines(60_000)
	answered, next := 0, 1
	streamLines(t, clientOf(t, dir), lines, 1, func(result streamed) {
		switch {
		case result.Next > 0:
			next = result.Next
			if result.Code != "draining" {
				t.Errorf("the last line is %+v", result)
			}
		case result.Status != http.StatusCreated || result.Line != answered+1:
			t.Errorf("after %d lines %+v", answered, result)
		default:
			if answered++; answered == 1000 {
				if err := p.signal(syscall.SIGTERM); err != nil {
					t.Error(err)
				}
			}
		}
	})
	if code := p.wait(); code != 0 || next != answered+1 || next > len(lines) {
		t.Fatalf("exit code %d, %d lines answered, go on with %d", code, answered, next)
	}
	mustStart(t, dir, "--no-access-log")
	streamLines(t, clientOf(t, dir), lines, next, func(result streamed) {
		if result.Status != http.StatusCreated {
			t.Errorf("later %+v", result)
		}
		answered++
	})
	if answered != len(lines) {
		t.Errorf("%d of %d lines were answered", answered, len(lines))
	}
}
