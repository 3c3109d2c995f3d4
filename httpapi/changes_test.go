package httpapi_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed5b6a70b4/identity/httpapi"
)

// FuzzPosition asks for changes after whatever is sent: it is a position that was
// given, or refused.
func FuzzPosition(f *testing.F) {
	handler := newDirectory(f, wiring{noSearch: true}).handler(f, nil)
	created(f, handler, "/users", `{"username":"somebody"}`)
	page := ask(handler, "GET", "/changes?limit=1", "").Body.String()
	for _, part := range strings.Split(page, `"`) {
		f.Add(part)
	}
	f.Fuzz(func(t *testing.T, position string) {
		answer := ask(handler, "GET", "/changes?after="+url.QueryEscape(position), "")
		switch answer.Code {
		case http.StatusOK, http.StatusBadRequest, http.StatusUnprocessableEntity:
		default:
			t.Errorf("status %d: %s", answer.Code, answer.Body)
		}
	})
}

// narrow gives connections that take little before they are read.
type narrow struct{ net.Listener }

func (n narrow) Accept() (net.Conn, error) {
	conn, err := n.Listener.Accept()
	if tcp, is := conn.(*net.TCPConn); is {
		_ = tcp.SetWriteBuffer(4 << 10)
	}
	return conn, err
}

// A follower that takes nothing of what is sent is cut off: nothing is kept for it.
func TestSlowFollowersAreCutOff(t *testing.T) {
	defer httpapi.SetFlushTime(50 * time.Millisecond)()
	registry := prometheus.NewRegistry()
	handler := newDirectory(t, wiring{noSearch: true}).handler(t, func(c *httpapi.Config) { c.Registry = registry })
	for i := range 300 {
		created(t, handler, "/users", fmt.Sprintf(`{"username":"u%d","attributes":{"a":%q}}`, i, strings.Repeat("x", 10<<10)))
	}
	server := httptest.NewUnstartedServer(handler)
	server.Config = httpapi.NewServer(handler, nil)
	server.Listener = narrow{server.Listener}
	server.Start()
	t.Cleanup(server.Close)
	for range 2 {
		conn, _ := dial(t, server)
		_ = conn.(*net.TCPConn).SetReadBuffer(4 << 10)
		fmt.Fprintf(conn, "GET /changes HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\nAuthorization: Bearer %s\r\n\r\n", adminKey)
	}
	eventually(t, func() bool {
		return strings.Contains(gathered(t, registry), "identity_changes_cut_off_total 2") && strings.Contains(gathered(t, registry), `identity_changes_followers{answer="events"} 0`)
	})
}

func gathered(t *testing.T, registry *prometheus.Registry) string {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			text.WriteString(family.GetName())
			for _, label := range metric.GetLabel() {
				fmt.Fprintf(&text, "{%s=%q}", label.GetName(), label.GetValue())
			}
			fmt.Fprintf(&text, " %v\n", metric.GetCounter().GetValue()+metric.GetGauge().GetValue())
		}
	}
	return text.String()
}

// eventually asks until something holds, which nothing announces.
func eventually(t *testing.T, holds func() bool) {
	t.Helper()
	for !holds() {
		select {
		case <-t.Context().Done():
			t.Fatal("it never holds")
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// All kinds of answer end when the server ends them, on connections of either
// version of HTTP, and polls still answer.
func TestFollowersEnd(t *testing.T) {
	for _, accept := range []string{"text/event-stream", "application/x-ndjson", "application/json"} {
		for _, version := range []int{1, 2} {
			t.Run(fmt.Sprint(accept, " over ", version), func(t *testing.T) {
				streams, registry := httpapi.NewStreams(), prometheus.NewRegistry()
				handler := newDirectory(t, wiring{noSearch: true}).handler(t, func(c *httpapi.Config) { c.Streams, c.Registry = streams, registry })
				server := httptest.NewUnstartedServer(handler)
				server.EnableHTTP2 = version == 2
				server.StartTLS()
				t.Cleanup(server.Close)
				request, err := http.NewRequestWithContext(t.Context(), "GET", server.URL+"/changes?wait=60s", nil)
				if err != nil {
					t.Fatal(err)
				}
				request.Header.Set("Authorization", "Bearer "+adminKey)
				request.Header.Set("Accept", accept)
				ended := make(chan error, 1)
				go func() {
					response, err := server.Client().Do(request)
					if err == nil {
						defer response.Body.Close()
						lines := bufio.NewScanner(response.Body)
						for lines.Scan() {
						}
						if err = lines.Err(); response.StatusCode != http.StatusOK || response.ProtoMajor != version {
							err = fmt.Errorf("status %d by HTTP/%d", response.StatusCode, response.ProtoMajor)
						}
					}
					ended <- err
				}()
				eventually(t, func() bool {
					return strings.Contains(gathered(t, registry), `identity_changes_followers{answer=`) && strings.Contains(gathered(t, registry), `"} 1`)
				})
				streams.End()
				if err := streams.Wait(context.Background()); err != nil {
					t.Error(err)
				}
				if err := <-ended; err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// Whoever follows is told nothing more once their key was revoked.
func TestFollowersEndWithTheirKey(t *testing.T) {
	for _, accept := range []string{"text/event-stream", "application/x-ndjson", "application/json"} {
		for _, version := range []int{1, 2} {
			t.Run(fmt.Sprint(accept, " over ", version), func(t *testing.T) {
				registry := prometheus.NewRegistry()
				handler := newDirectory(t, wiring{noSearch: true}).handler(t, func(c *httpapi.Config) { c.Registry = registry })
				var key struct{ Key, ID string }
				if err := json.Unmarshal(ask(handler, "POST", "/keys", `{"label":"test","scopes":["read"]}`).Body.Bytes(), &key); err != nil {
					t.Fatal(err)
				}
				server := httptest.NewUnstartedServer(handler)
				server.EnableHTTP2 = version == 2
				server.StartTLS()
				t.Cleanup(server.Close)
				request, err := http.NewRequestWithContext(t.Context(), "GET", server.URL+"/changes?wait=60s", nil)
				if err != nil {
					t.Fatal(err)
				}
				request.Header.Set("Authorization", "Bearer "+key.Key)
				request.Header.Set("Accept", accept)
				told := make(chan string, 1)
				go func() {
					response, err := server.Client().Do(request)
					if err != nil {
						told <- err.Error()
						return
					}
					defer response.Body.Close()
					all, _ := io.ReadAll(response.Body) // a stream is cut off
					told <- string(all)
				}()
				eventually(t, func() bool {
					return strings.Contains(gathered(t, registry), `identity_changes_followers{answer=`) && strings.Contains(gathered(t, registry), `"} 1`)
				})
				if answer := ask(handler, "DELETE", "/keys/"+key.ID, ""); answer.Code != http.StatusNoContent {
					t.Fatalf("DELETE /keys: %d", answer.Code)
				}
				created(t, handler, "/users", `{"username":"nobodys-business"}`)
				text := <-told
				if strings.Contains(text, "nobodys-business") {
					t.Errorf("told %s", text)
				}
				if accept == "application/json" && !strings.Contains(text, `"unauthorized"`) {
					t.Errorf("answered %s", text)
				}
			})
		}
	}
}
