package apitest

import (
	"net/http"
	"strings"
	"testing"
)

// Target is the service to hold to the contract.
type Target struct {
	// URL is where it is, without a path.
	URL string
	// AdminKey is a key that may do everything.
	AdminKey string
	// Client makes the requests; http.DefaultClient if nil.
	Client *http.Client
	// NoSearch tells that the service runs without search.
	NoSearch bool
}

// Run runs every test against the target.
func Run(t *testing.T, target Target) {
	target.URL = strings.TrimSuffix(target.URL, "/")
	if target.Client == nil {
		target.Client = http.DefaultClient
	}
	target.Client = withoutRedirects(target.Client)
	doc := fetchDocument(t, &target)
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
		{"uniqueness", testUniqueness},
		{"ids", testIDs},
		{"look-ups", testLookUps},
		{"lists", testLists},
		{"search", testSearch},
		{"past", testPast},
		{"conditions", testConditions},
		{"consistency", testConsistency},
		{"idempotency", testIdempotency},
		{"keys", testKeys},
		{"access", testAccess},
		{"bodies", testBodies},
		{"requests", testRequests},
		{"service", testService},
		{"document", testDocument},
	} {
		t.Run(suite.name, func(t *testing.T) {
			suite.test(t, &client{t: t, target: &target, document: doc, key: target.AdminKey})
		})
	}
}

func withoutRedirects(c *http.Client) *http.Client {
	changed := *c
	changed.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &changed
}
