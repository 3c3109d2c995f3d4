package httpapi_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/httpapi"
)

func TestReadiness(t *testing.T) {
	readiness := httpapi.Readiness{}
	d := newDirectory(t, wiring{})
	handler := d.handler(t, func(c *httpapi.Config) {
		c.Ready = func(context.Context) httpapi.Readiness { return readiness }
	})
	for _, test := range []struct {
		readiness httpapi.Readiness
		status    int
		body      string
	}{
		{httpapi.Readiness{Ready: true}, 200, `{"status":"ready","views":[]}`},
		{
			httpapi.Readiness{Ready: true, Views: []httpapi.ViewStatus{{Name: "replica", Lag: -1, Failing: "it refuses"}}},
			200, `{"status":"ready","views":[{"name":"replica","position":0,"behind":0,"failing":"it refuses","parked":0}]}`,
		},
		{
			httpapi.Readiness{Reason: "catching up", Views: []httpapi.ViewStatus{
				{Name: "rows", Position: 3, Behind: 7, Lag: 1500 * time.Millisecond, Checkpoint: eventstream.NewToken(eventstream.Position{Stream: "changes/0", Seq: 4}, eventstream.Position{Stream: "changes/1", Seq: 5})},
				{Name: "search", Lag: -1, Parked: 2, Streams: []httpapi.ParkedStream{{Stream: "user/1", Seq: 3, Reason: "unknown event"}, {Stream: "user/2", Seq: 1, Reason: "refused"}}},
			}, Store: &httpapi.StoreStatus{Position: 10, Refusing: "disk almost full", Damage: "segment 1", FreeBytes: 5}},
			503,
			`{"status":"not_ready","reason":"catching up","views":[{"name":"rows","position":3,"behind":7,"lagSeconds":1.500,"checkpoint":{"changes/0":4,"changes/1":5},"parked":0},{"name":"search","position":0,"behind":0,"parked":2,"streams":[` +
				`{"stream":"user/1","seq":3,"reason":"unknown event"},{"stream":"user/2","seq":1,"reason":"refused"}]}],` +
				`"store":{"position":10,"writable":false,"reason":"disk almost full","damage":"segment 1","freeBytes":5}}`,
		},
	} {
		readiness = test.readiness
		answer := askAs(handler, "", "GET", "/readyz")
		if diff := cmp.Diff(test.body, answer.Body.String()); diff != "" || answer.Code != test.status {
			t.Errorf("status %d, want %d; body (-want +got):\n%s", answer.Code, test.status, diff)
		}
		if (test.status == 503) != (answer.Header().Get("Retry-After") != "") {
			t.Errorf("Retry-After %q", answer.Header().Get("Retry-After"))
		}
	}
}

func TestParked(t *testing.T) {
	handler := newDirectory(t, wiring{}).handler(t, nil)
	listed := ask(handler, "GET", "/parked", "")
	want := `{"items":[{"view":"rows","stream":"` + string(parkedForGood) + `","seq":3,"reason":"refused","since":"1970-01-01T00:00:00.000Z","attempts":2}],"total":1}`
	if listed.Code != http.StatusOK || listed.Body.String() != want {
		t.Errorf("%d %s", listed.Code, listed.Body)
	}
	for body, status := range map[string]int{
		`{"view":"rows","stream":"` + string(parkedForGood) + `"}`: http.StatusServiceUnavailable,
		`{"view":"rows","stream":"user/other"}`:                    http.StatusNoContent,
		`{"view":"none","stream":"user/other"}`:                    http.StatusNotFound,
	} {
		if answer := ask(handler, "POST", "/parked:retry", body); answer.Code != status {
			t.Errorf("%s: %d %s", body, answer.Code, answer.Body)
		}
	}
}

func TestNewDemandsItsParts(t *testing.T) {
	if _, err := httpapi.New(httpapi.Config{}); err == nil {
		t.Error("a handler of nothing")
	}
}

// dial opens a connection that the test writes to itself.
func dial(t *testing.T, server *httptest.Server) (net.Conn, *bufio.Reader) {
	t.Helper()
	var dialer net.Dialer
	conn, err := dialer.DialContext(t.Context(), "tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn, bufio.NewReader(conn)
}

func TestSlowClients(t *testing.T) {
	handler := newDirectory(t, wiring{}).handler(t, nil)
	server := httptest.NewUnstartedServer(handler)
	server.Config = httpapi.NewServer(handler, nil)
	server.Config.ReadHeaderTimeout, server.Config.ReadTimeout = time.Second, time.Second
	server.Start()
	t.Cleanup(server.Close)

	t.Run("a body that does not come", func(t *testing.T) {
		conn, reader := dial(t, server)
		fmt.Fprintf(conn, "POST /users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{", adminKey)
		response, err := http.ReadResponse(reader, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, _ := io.ReadAll(response.Body)
		if problem := problemOf(t, body); response.StatusCode != http.StatusRequestTimeout || problem.Code != "timeout" {
			t.Errorf("status %d %s", response.StatusCode, body)
		}
	})
	t.Run("headers that do not come", func(t *testing.T) {
		conn, reader := dial(t, server)
		fmt.Fprint(conn, "GET /users HTTP/1.1\r\nHost: x\r\n")
		if _, err := reader.ReadByte(); err == nil {
			t.Error("the connection goes on")
		}
	})
}

func TestHeaderFloods(t *testing.T) {
	handler := newDirectory(t, wiring{}).handler(t, nil)
	server := serve(t, handler)
	conn, reader := dial(t, server)
	go func() {
		fmt.Fprint(conn, "GET /users HTTP/1.1\r\nHost: x\r\n")
		for i := range 20_000 {
			if _, err := fmt.Fprintf(conn, "X-Flood-%d: %s\r\n", i, strings.Repeat("x", 100)); err != nil {
				return
			}
		}
	}()
	response, err := http.ReadResponse(reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("status %d, want 431", response.StatusCode)
	}
}

func TestOptionsOfTheWholeServer(t *testing.T) {
	conn, reader := dial(t, serve(t, newDirectory(t, wiring{}).handler(t, nil)))
	fmt.Fprint(conn, "OPTIONS * HTTP/1.1\r\nHost: x\r\nX-Request-Id: abc\r\n\r\n")
	response, err := http.ReadResponse(reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if got := response.Header.Get("X-Request-Id"); got != "abc" {
		t.Errorf("status %d with X-Request-Id %q", response.StatusCode, got)
	}
}

func TestABodyThatIsCutOff(t *testing.T) {
	handler := newDirectory(t, wiring{}).handler(t, nil)
	for name, body := range map[string]io.Reader{
		"cut":    io.MultiReader(strings.NewReader(`{"username":"x"}`), errorReader{io.ErrUnexpectedEOF}),
		"failed": errorReader{io.ErrClosedPipe},
	} {
		r := httptest.NewRequest("POST", "/users", body)
		r.Header.Set("Authorization", "Bearer "+adminKey)
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if problem := problemOf(t, w.Body.Bytes()); w.Code != http.StatusBadRequest || problem.Code != "malformed_body" {
			t.Errorf("%s: status %d %s", name, w.Code, w.Body)
		}
	}
}

type errorReader struct{ err error }

func (r errorReader) Read([]byte) (int, error) { return 0, r.err }

func TestABodyWithoutLength(t *testing.T) {
	server := serve(t, newDirectory(t, wiring{}).handler(t, nil))
	for size, status := range map[int]int{10: 201, 1<<20 + 1: 413} {
		body := `{"username":"chunked"` + strings.Repeat(" ", size) + `}`
		r, err := http.NewRequestWithContext(t.Context(), "POST", server.URL+"/users", io.MultiReader(strings.NewReader(body)))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+adminKey)
		r.Header.Set("Content-Type", "application/json")
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != status {
			t.Errorf("%d bytes: status %d, want %d", len(body), response.StatusCode, status)
		}
	}
}
