package apitest

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// Target is the service to hold to the contract.
type Target struct {
	// URL is where it is, without a path.
	URL string
	// Others are where the same service is too: requests go to all of them in turns.
	Others []string
	// Behind tells that views follow the store by themselves, at some distance: the
	// tests then send the tokens of what they wrote, and what is promised otherwise
	// is told apart by this alone. These are the differences:
	//
	//   - what was written shows in reads that send its token, or after a while;
	//   - lists and searches cannot be asked for as of now (X-Consistency: latest);
	//   - a key that was revoked, or whose owner is not active any more, is refused
	//     within RevocationTime.
	Behind bool
	// AdminKey is a key that may do everything.
	AdminKey string
	// Client makes the requests; http.DefaultClient if nil.
	Client *http.Client
	// NoOperators tells that the handler was given nobody who builds views or keeps the
	// store, so that there are no routes for that.
	NoOperators bool
	// NoSearch tells that the service runs without search.
	NoSearch bool

	requests atomic.Uint64
}

// RevocationTime is how long a revoked key may still be taken where views follow
// the store.
const RevocationTime = 5 * time.Second

// url is where the next request goes.
func (t *Target) url() string {
	turn := t.requests.Add(1) % uint64(len(t.Others)+1)
	if turn == 0 {
		return t.URL
	}
	return strings.TrimSuffix(t.Others[turn-1], "/")
}

// Run runs every test against the target.
func Run(t *testing.T, target *Target) {
	target.URL = strings.TrimSuffix(target.URL, "/")
	if target.Client == nil {
		target.Client = http.DefaultClient
	}
	target.Client = withoutRedirects(target.Client)
	doc := fetchDocument(t, target)
	for _, suite := range []struct {
		name string
		test func(*testing.T, *client)
	}{
		{"users", testUsers},
		{"patching", testPatching},
		{"groups", testGroups},
		{"removal", testRemoval},
		{"members", testMembers},
		{"nesting", testNesting},
		{"effective membership", testEffective},
		{"batches", testBatches},
		{"lines", testLines},
		{"accept", testAccept},
		{"uniqueness", testUniqueness},
		{"ids", testIDs},
		{"look-ups", testLookUps},
		{"lists", testLists},
		{"search", testSearch},
		{"past", testPast},
		{"changes", testChanges},
		{"past members", testPastMembers},
		{"events", testEvents},
		{"conditions", testConditions},
		{"consistency", testConsistency},
		{"idempotency", testIdempotency},
		{"keys", testKeys},
		{"access", testAccess},
		{"bodies", testBodies},
		{"requests", testRequests},
		{"service", testService},
		{"views", testViews},
		{"parked", testParked},
		{"store", testStore},
		{"document", testDocument},
	} {
		t.Run(suite.name, func(t *testing.T) {
			c := &client{t: t, target: target, document: doc, key: target.AdminKey}
			if target.Behind {
				c.session = &session{}
			}
			suite.test(t, c)
		})
	}
}

func withoutRedirects(c *http.Client) *http.Client {
	changed := *c
	changed.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &changed
}
