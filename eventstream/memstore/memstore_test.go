package memstore_test

import (
	"testing"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/memstore"
	"github.com/seed5b6a70b4/identity/eventstream/storetest"
)

func TestConformance(t *testing.T) {
	storetest.Run(t, storetest.Harness{
		Name: "memstore",
		New: func(_ *testing.T, options storetest.Options) eventstream.Store {
			return memstore.New(&memstore.Options{Now: options.Now, Observe: options.Observe})
		},
		Cannot: map[storetest.Feature]string{storetest.Durable: "nothing survives the process", storetest.Queued: "an append is done at once"},
	})
}
