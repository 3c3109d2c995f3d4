package logstore_test

import (
	"testing"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/logstore"
	"github.com/seed5b6a70b4/identity/eventstream/storetest"
)

// TestContract holds the store to the contract that all backends share, on a
// real disk.
func TestContract(t *testing.T) {
	dirs := map[eventstream.Store]string{}
	open := func(t *testing.T, dir string, options storetest.Options) eventstream.Store {
		store, err := logstore.Open(dir, &logstore.Options{Now: options.Now, Observe: options.Observe, SegmentSize: 1 << 20})
		if err != nil {
			t.Fatal(err)
		}
		dirs[store] = dir
		return store
	}
	storetest.Run(t, storetest.Harness{
		Name: "logstore",
		New: func(t *testing.T, options storetest.Options) eventstream.Store {
			return open(t, t.TempDir(), options)
		},
		Reopen: func(t *testing.T, store eventstream.Store, options storetest.Options) eventstream.Store {
			if err := store.Close(); err != nil {
				t.Fatal(err)
			}
			return open(t, dirs[store], options)
		},
	})
}
