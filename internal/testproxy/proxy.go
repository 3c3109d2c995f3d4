package testproxy

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
)

// Proxy passes connections on to a server. It ends with its test. Its methods may
// be called concurrently, each but URL by one goroutine at a time.
type Proxy struct {
	t     testing.TB
	proxy *toxiproxy.Proxy
}

// New starts a proxy for the server at a URL of the form http://host:port.
func New(t testing.TB, upstream string) *Proxy {
	t.Helper()
	zerolog.SetGlobalLevel(zerolog.Disabled) // its toxics write past the logger they are given
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(prometheus.NewRegistry()), zerolog.New(io.Discard))
	p := &Proxy{t, toxiproxy.NewProxy(server, "server", "127.0.0.1:0", strings.TrimPrefix(upstream, "http://"))}
	p.Up()
	t.Cleanup(p.Down)
	return p
}

// URL is where clients find the server.
func (p *Proxy) URL() string { return "http://" + p.proxy.Listen }

// Down breaks all connections, and takes no more.
func (p *Proxy) Down() { p.proxy.Stop() }

// Up takes connections again, at the same address.
func (p *Proxy) Up() {
	p.t.Helper()
	if err := p.proxy.Start(); err != nil {
		p.t.Errorf("start the proxy: %v", err)
	}
}

// Fault is something wrong with connections.
type Fault struct {
	kind, attributes string
	replies          bool // it is on the way back
}

// Late delays requests by so many milliseconds.
func Late(milliseconds int) Fault {
	return Fault{kind: "latency", attributes: fmt.Sprintf(`{"latency":%d,"jitter":%d}`, milliseconds, milliseconds/2)}
}

// Narrow lets so many KB a second through, in replies.
func Narrow(rate int) Fault {
	return Fault{kind: "bandwidth", attributes: fmt.Sprintf(`{"rate":%d}`, rate), replies: true}
}

// NoReplies cuts connections when the server answers, after it acted.
func NoReplies() Fault { return ShortReplies(0) }

// ShortReplies cuts connections after so many bytes of answers.
func ShortReplies(bytes int) Fault {
	return Fault{kind: "limit_data", attributes: fmt.Sprintf(`{"bytes":%d}`, bytes), replies: true}
}

// NoRequests cuts connections in the midst of a request, before the server acted.
func NoRequests() Fault { return Fault{kind: "limit_data", attributes: `{"bytes":100}`} }

// Reset resets connections when a request comes.
func Reset() Fault { return Fault{kind: "reset_peer", attributes: `{"timeout":0}`} }

// Silent swallows all answers and leaves connections open.
func Silent() Fault { return Fault{kind: "timeout", attributes: `{"timeout":0}`, replies: true} }

// Set replaces what is wrong, with so large a part of connections; none if there
// are no faults.
func (p *Proxy) Set(part float64, faults ...Fault) {
	p.t.Helper()
	p.proxy.Toxics.ResetToxics(context.Background())
	for i, f := range faults {
		stream := "upstream"
		if f.replies {
			stream = "downstream"
		}
		toxic := fmt.Sprintf(`{"name":"%d","type":"%s","stream":"%s","toxicity":%g,"attributes":%s}`, i, f.kind, stream, part, f.attributes)
		if _, err := p.proxy.Toxics.AddToxicJson(strings.NewReader(toxic)); err != nil {
			p.t.Errorf("spoil the proxy: %v", err)
		}
	}
}
