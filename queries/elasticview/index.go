package elasticview

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/elastic/elastic-transport-go/v8/elastictransport"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/queries"
)

// Options are how an Index is reached and set up. URLs are required; the zero
// value of all else is good.
type Options struct {
	// URLs are of the nodes; a user and a password may stand in them.
	URLs []string
	// APIKey is sent with every request, if it is not empty.
	APIKey string
	// Name is the alias, and begins the names of generations; "identity-search" if
	// empty.
	Name string
	// Position says what has been put by now. Nil says nothing.
	Position func(ctx context.Context) (eventstream.Token, error)
	// RefreshInterval is how long it takes at most until what was put is found, and
	// with it Put; 200 ms if zero. Like Shards it holds for generations made from
	// then on.
	RefreshInterval time.Duration
	// Shards is how many parts a generation has; 1 if zero.
	Shards int
	// Transport makes the connections; nil is one of net/http.
	Transport http.RoundTripper
}

const (
	defaultName    = "identity-search"
	defaultRefresh = 200 * time.Millisecond
)

// Index is a search index in Elasticsearch. Its methods may be called
// concurrently, and by any number of processes. An error of the connection, or of
// a server that is overloaded, is eventstream.ErrUnavailable.
type Index struct {
	options Options
	client  client
	target  string // the alias, or a generation
	// lacks are the fields that the generation was made without; nil before it was
	// looked at.
	lacks atomic.Pointer[map[string]bool]
}

var _ queries.Search = (*Index)(nil)

// New gives the index that the alias names; nothing is asked of Elasticsearch yet.
func New(o Options) (*Index, error) {
	o.Name = cmp.Or(o.Name, defaultName)
	o.RefreshInterval = cmp.Or(o.RefreshInterval, defaultRefresh)
	o.Shards = cmp.Or(o.Shards, 1)
	if len(o.URLs) == 0 {
		return nil, errors.New("a search index needs the URL of Elasticsearch")
	}
	urls := make([]*url.URL, len(o.URLs))
	for i, text := range o.URLs {
		parsed, err := url.Parse(text)
		if err != nil || parsed.Host == "" {
			return nil, errors.New("the URL of Elasticsearch is none") // not which: it may hold a password
		}
		urls[i] = parsed
	}
	if o.Transport == nil {
		o.Transport = newHTTP()
	}
	transport, err := elastictransport.NewClient(
		elastictransport.WithURLs(urls...), elastictransport.WithAPIKey(o.APIKey),
		elastictransport.WithTransport(o.Transport), elastictransport.WithMaxRetries(1),
	)
	if err != nil {
		return nil, fmt.Errorf("reach Elasticsearch: %w", err)
	}
	return &Index{options: o, client: client{transport}, target: o.Name}, nil
}

func newHTTP() *http.Transport {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 64
	return transport
}

// Position implements queries.Search.
func (x *Index) Position(ctx context.Context) (eventstream.Token, error) {
	if x.options.Position == nil {
		return nil, nil
	}
	return x.options.Position(ctx)
}
