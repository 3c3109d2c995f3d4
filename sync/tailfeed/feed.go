package tailfeed

import (
	"sync/atomic"

	"github.com/seed5b6a70b4/identity/eventstream"
	querysync "github.com/seed5b6a70b4/identity/sync"
)

// Feed hands what a store's log takes in to a synchroniser. The store is made
// with the feed's Observe, before there can be a synchroniser; what is observed
// until Follow is found in the log by the synchroniser's CatchUp. The zero Feed
// is ready.
type Feed struct {
	to atomic.Pointer[querysync.Synchroniser]
}

// Observe is the store's eventstream.Observer.
func (f *Feed) Observe(transactions [][]eventstream.Commit) {
	if to := f.to.Load(); to != nil {
		to.Observe(transactions)
	}
}

// Follow hands everything that is observed from now on to the synchroniser. Each
// of its views is to be caught up after that.
func (f *Feed) Follow(synchroniser *querysync.Synchroniser) { f.to.Store(synchroniser) }
