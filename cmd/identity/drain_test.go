package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// slowRequest sends a request but for the last byte of its body.
func slowRequest(t *testing.T, p *process, dir string) (conn net.Conn, answer *bufio.Reader) {
	t.Helper()
	key, err := os.ReadFile(filepath.Join(dir, "identity-data", adminFile))
	if err != nil {
		t.Fatal(err)
	}
	conn, err = new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(p.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	body := `{"username":"slow"}`
	_, err = fmt.Fprintf(conn, "POST /users HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n",
		strings.TrimSpace(string(key)), len(body))
	if err != nil {
		t.Fatal(err)
	}
	answer = bufio.NewReader(conn)
	// The service has begun with the request once it asks for the body.
	if line, err := answer.ReadString('\n'); err != nil || !strings.Contains(line, "100 Continue") {
		t.Fatalf("%q, %v", line, err)
	}
	if _, err := io.WriteString(conn, body[:len(body)-1]); err != nil {
		t.Fatal(err)
	}
	return conn, answer
}

// SIGTERM first makes readyz say no, while requests are still taken; a request
// under way is finished; then the process ends with 0.
func TestDrain(t *testing.T) {
	dir := t.TempDir()
	p := mustStart(t, dir, "--drain-delay", "1h")
	conn, answer := slowRequest(t, p, dir)
	if err := p.signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	p.await(t, "msg=draining")
	ready, err := http.Get(p.url + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(ready.Body)
	if ready.Body.Close(); err != nil || ready.StatusCode != http.StatusServiceUnavailable || !strings.Contains(string(body), `"reason":"draining"`) {
		t.Errorf("readyz says %d %s, %v", ready.StatusCode, body, err)
	}
	if live, err := http.Get(p.url + "/livez"); err != nil || live.StatusCode != http.StatusOK {
		t.Errorf("livez: %v, %v", live, err)
	} else {
		live.Body.Close()
	}
	finish(t, conn, answer)
	// The second signal does not wait.
	if err := p.signal(syscall.SIGTERM); err != nil || p.wait() != exitFailed {
		t.Errorf("after the second signal it ends with %d, %v", p.wait(), err)
	}
}

// Requests under way hold the process up, new ones do not get in, and what was
// written meanwhile is kept.
func TestRequestsUnderWayAreFinished(t *testing.T) {
	dir := t.TempDir()
	p := mustStart(t, dir)
	conn, answer := slowRequest(t, p, dir)
	if err := p.signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	p.await(t, "msg=draining")
	finish(t, conn, answer)
	if code := p.wait(); code != exitDone {
		t.Errorf("it ends with %d:\n%s", code, p.logged())
	}
	mustStart(t, dir)
	var page struct{ Items []any }
	if _, err := clientOf(t, dir).do(t.Context(), http.MethodGet, "/users?username=slow", nil, &page); err != nil || len(page.Items) != 1 {
		t.Errorf("found %v, %v", page.Items, err)
	}
}

func finish(t *testing.T, conn net.Conn, answer *bufio.Reader) {
	t.Helper()
	if _, err := io.WriteString(conn, "}"); err != nil {
		t.Fatal(err)
	}
	if _, err := answer.ReadString('\n'); err != nil { // the blank line after 100 Continue
		t.Fatal(err)
	}
	got, err := http.ReadResponse(answer, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got.Body.Close(); got.StatusCode != http.StatusCreated {
		t.Errorf("the request under way is answered with %d", got.StatusCode)
	}
}
