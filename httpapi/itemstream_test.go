package httpapi_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed5b6a70b4/identity/httpapi"
)

func lineOf(name string) string {
	return `{"op":"create","user":{"username":"` + name + `"}}` + "\n"
}

// openStream begins a stream of items to a server, whose answer has begun too.
func openStream(t *testing.T, url string) (*io.PipeWriter, *bufio.Reader) {
	t.Helper()
	body, in := io.Pipe()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/users:batch", body)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+adminKey)
	request.Header.Set("Content-Type", "application/x-ndjson")
	answer, err := http.DefaultClient.Do(request)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%v %v", answer, err)
	}
	t.Cleanup(func() { in.Close(); answer.Body.Close() })
	return in, bufio.NewReader(answer.Body)
}

type streamResult struct {
	Line, Status, Next int
	Code               string
}

func readResult(t *testing.T, from *bufio.Reader) streamResult {
	t.Helper()
	line, err := from.ReadBytes('\n')
	var result streamResult
	if err = errors.Join(err, json.Unmarshal(line, &result)); err != nil {
		t.Fatalf("line %q: %v", line, err)
	}
	return result
}

func write(t *testing.T, to io.Writer, text string) {
	t.Helper()
	if _, err := io.WriteString(to, text); err != nil {
		t.Fatal(err)
	}
}

// Each item is answered as soon as it is done, while the body goes on.
func TestAStreamIsAnsweredWhileItIsSent(t *testing.T) {
	server := serve(t, newDirectory(t, wiring{noSearch: true}).handler(t, nil))
	in, out := openStream(t, server.URL)
	for i := range 5 {
		write(t, in, lineOf(fmt.Sprint("user-", i)))
		if got := readResult(t, out); got.Line != i+1 || got.Status != http.StatusCreated {
			t.Fatalf("result %+v", got)
		}
	}
	in.Close()
	if rest, err := io.ReadAll(out); err != nil || len(rest) > 0 {
		t.Errorf("at the end %q, %v", rest, err)
	}
}

// A stream ends when the server drains: what was read is answered, and the last
// line says where to go on.
func TestAStreamEndsAtDrain(t *testing.T) {
	streams := httpapi.NewStreams()
	server := serve(t, newDirectory(t, wiring{noSearch: true}).handler(t, func(c *httpapi.Config) { c.Streams = streams }))
	in, out := openStream(t, server.URL)
	write(t, in, lineOf("one")+"\n"+lineOf("two")+lineOf("three")[:10])
	if one, two := readResult(t, out), readResult(t, out); one.Line != 1 || two.Line != 3 {
		t.Fatalf("results %+v and %+v", one, two)
	}
	streams.End()
	if got := readResult(t, out); got.Next != 4 || got.Code != "draining" || got.Status != http.StatusServiceUnavailable {
		t.Errorf("the last line %+v", got)
	}
	if rest, err := io.ReadAll(out); err != nil || len(rest) > 0 {
		t.Errorf("after the last line %q, %v", rest, err)
	}
	if err := streams.Wait(t.Context()); err != nil {
		t.Error(err)
	}
}

// A body that is cut off is done as far as whole lines came.
func TestAStreamThatIsCutOff(t *testing.T) {
	streams := httpapi.NewStreams()
	handler := newDirectory(t, wiring{noSearch: true}).handler(t, func(c *httpapi.Config) { c.Streams = streams })
	conn, answer := dial(t, serve(t, handler))
	whole, part := lineOf("whole"), strings.TrimSuffix(lineOf("part"), "\n") // JSON, but not known to be all of it
	write(t, conn, "POST /users:batch HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "+adminKey+"\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"+
		fmt.Sprintf("%x\r\n%s\r\n%x\r\n%s\r\n", len(whole), whole, len(part), part))
	for line := ""; !strings.Contains(line, `"status":201`); {
		var err error
		if line, err = answer.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	conn.Close()
	if err := streams.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"whole": true, "part": false} {
		if found := strings.Contains(ask(handler, "GET", "/users?username="+name, "").Body.String(), name); found != want {
			t.Errorf("%s is there: %v", name, found)
		}
	}
}

// endless is a body of lines without end; it counts them.
type endless struct{ given atomic.Int64 }

func (e *endless) Read(p []byte) (int, error) {
	line := lineOf(fmt.Sprintf("user-%d", e.given.Load()))
	if len(p) < len(line) {
		return 0, errors.New("a buffer that is too small for a line")
	}
	e.given.Add(1)
	return copy(p, line), nil
}

// stuck is a client that reads nothing until it is let go, and then goes away.
type stuck struct {
	*httptest.ResponseRecorder
	let chan struct{}
}

func (s *stuck) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	<-s.let
	return 0, errors.New("the client is gone")
}

func streamRequest(body io.Reader, key string) *http.Request {
	request := httptest.NewRequest(http.MethodPost, "/users:batch", body)
	request.Header.Set("Authorization", "Bearer "+key)
	request.Header.Set("Content-Type", "application/x-ndjson")
	return request
}

// A client that does not read is not read for long; when it is given up, all that
// was begun for it ends.
func TestAClientThatDoesNotReadIsNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		handler := newDirectory(t, wiring{noSearch: true}).handler(t, nil)
		body, client := &endless{}, &stuck{httptest.NewRecorder(), make(chan struct{})}
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			handler.ServeHTTP(client, streamRequest(body, adminKey))
		}()
		synctest.Wait()
		// A window, what is with the writer and the reader, and a buffer of each side.
		if given := body.given.Load(); given < 512 || given > 2000 {
			t.Errorf("%d lines were read", given)
		}
		close(client.let)
		<-ended
	})
}

// A stream does not outlive its key.
func TestAStreamEndsWithItsKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		handler := newDirectory(t, wiring{noSearch: true}).handler(t, nil)
		answer := ask(handler, "POST", "/keys", `{"label":"test","scopes":["write"]}`)
		var made struct{ Key, ID string }
		if err := json.Unmarshal(answer.Body.Bytes(), &made); err != nil {
			t.Fatal(err)
		}
		body, in := io.Pipe()
		recorder := httptest.NewRecorder()
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			handler.ServeHTTP(recorder, streamRequest(body, made.Key))
		}()
		write(t, in, lineOf("one"))
		synctest.Wait()
		if revoked := ask(handler, "DELETE", "/keys/"+made.ID, ""); revoked.Code != http.StatusNoContent {
			t.Fatalf("DELETE /keys: %d", revoked.Code)
		}
		time.Sleep(6 * time.Second) // of the test's own clock
		write(t, in, lineOf("two"))
		<-ended
		var last streamResult
		lines := strings.Split(strings.TrimSpace(recorder.Body.String()), "\n")
		if err := json.Unmarshal([]byte(lines[len(lines)-1]), &last); err != nil || len(lines) != 2 || last.Next != 2 || last.Code != "unauthorized" {
			t.Errorf("answered %q", lines)
		}
		if found := ask(handler, "GET", "/users?username=two", ""); strings.Contains(found.Body.String(), "two") {
			t.Error("the line after the end was done")
		}
	})
}

// Only so many streams are taken at a time.
func TestThereAreOnlySoManyStreams(t *testing.T) {
	server := serve(t, newDirectory(t, wiring{noSearch: true}).handler(t, nil))
	var first *io.PipeWriter
	for range 16 {
		first, _ = openStream(t, server.URL)
	}
	request := streamRequest(strings.NewReader("\n"), adminKey)
	request.RequestURI = ""
	request.URL.Scheme, request.URL.Host = "http", strings.TrimPrefix(server.URL, "http://")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusServiceUnavailable || answer.Header.Get("Retry-After") == "" {
		t.Errorf("one more: status %d", answer.StatusCode)
	}
	first.Close()
}

// endingWriter has all streams end when the first of an answer is sent.
type endingWriter struct {
	*httptest.ResponseRecorder
	streams *httpapi.Streams
}

func (w endingWriter) Write(p []byte) (int, error) {
	w.streams.End()
	synctest.Wait() // until they know
	return w.ResponseRecorder.Write(p)
}

// A list that cannot be gone on with is cut, so that nobody takes it for all.
func TestAListThatEndsEarlyIsCut(t *testing.T) {
	synctest.Test(t, testAListThatEndsEarlyIsCut)
}

func testAListThatEndsEarlyIsCut(t *testing.T) {
	streams := httpapi.NewStreams()
	handler := newDirectory(t, wiring{noSearch: true}).handler(t, func(c *httpapi.Config) { c.Streams = streams })
	var items []string
	for i := range 501 {
		items = append(items, strings.TrimSpace(lineOf(fmt.Sprint("user-", i))))
	}
	if made := ask(handler, "POST", "/users:batch", `{"items":[`+strings.Join(items, ",")+`]}`); made.Code != http.StatusOK {
		t.Fatal(made.Body)
	}
	request := httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/users", http.NoBody)
	request.Header.Set("Authorization", "Bearer "+adminKey)
	request.Header.Set("Accept", "application/x-ndjson")
	recorder := httptest.NewRecorder()
	defer func() {
		if cut, is := recover().(error); !is || !errors.Is(cut, http.ErrAbortHandler) {
			t.Errorf("the answer ended as if it were all: %v", cut)
		}
		if lines := strings.Count(recorder.Body.String(), "\n"); lines != 500 {
			t.Errorf("%d lines", lines)
		}
	}()
	handler.ServeHTTP(endingWriter{recorder, streams}, request)
}
