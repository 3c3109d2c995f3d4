package dynamostore_test

import (
	"testing"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/dynamostore"
	"github.com/seed5b6a70b4/identity/eventstream/storetest"
)

// cannot is what the backend does not promise.
var cannot = map[storetest.Feature]string{
	storetest.KnownHeads:  "heads have to be read",
	storetest.NumberedLog: "transactions have no common order",
	storetest.Observed:    "other processes write too",
	storetest.OneInstant:  "DynamoDB shows the items of a transaction one by one",
}

// TestContract holds the store to the contract that all backends share, on a real
// server.
func TestContract(t *testing.T) {
	tables := map[eventstream.Store]string{}
	open := func(t *testing.T, table string, options storetest.Options) eventstream.Store {
		store := dynamostore.New(connect(t), table, &dynamostore.Options{Now: options.Now, Slices: 2})
		tables[store] = table
		return store
	}
	storetest.Run(t, storetest.Harness{
		Name: "dynamostore",
		New: func(t *testing.T, options storetest.Options) eventstream.Store {
			return open(t, newTable(t), options)
		},
		Reopen: func(t *testing.T, store eventstream.Store, options storetest.Options) eventstream.Store {
			if err := store.Close(); err != nil {
				t.Fatal(err)
			}
			return open(t, tables[store], options)
		},
		Cannot: cannot,
	})
}
