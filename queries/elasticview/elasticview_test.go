package elasticview_test

import (
	"context"
	"flag"
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/internal/testservers"
	"github.com/seed5b6a70b4/identity/queries/elasticview"
	"github.com/seed5b6a70b4/identity/queries/searchtest"
)

// open gives an empty index of a name of its own, which is gone after the test.
func open(t *testing.T, change ...func(*elasticview.Options)) *elasticview.Index {
	t.Helper()
	url := testservers.Elasticsearch(t)
	o := elasticview.Options{URLs: []string{url}, Name: "test-" + uuid.NewString(), RefreshInterval: time.Millisecond}
	for _, change := range change {
		change(&o)
	}
	index, err := elasticview.New(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := index.Prepare(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		remove(t, url+"/"+o.Name+"-1,"+o.Name+"-2?ignore_unavailable=true")
		remove(t, url+"/_index_template/"+o.Name)
	})
	return index
}

func remove(t *testing.T, url string) {
	request, err := http.NewRequestWithContext(context.Background(), http.MethodDelete, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Error(err)
		return
	}
	response.Body.Close()
}

// fewerRuns are how many random histories are tried when nothing else is asked
// for: each of them has an index made.
const fewerRuns = "20"

func TestConformance(t *testing.T) {
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "rapid.checks" })
	if !given {
		if err := flag.Set("rapid.checks", fewerRuns); err != nil {
			t.Fatal(err)
		}
	}
	searchtest.Run(t, func(t *testing.T) searchtest.Index { return open(t) })
}
