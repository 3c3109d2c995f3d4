package main

import (
	"context"
	"errors"
	"time"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// patientImporter asks again where the store is away. What was written meanwhile is
// there then, and counts.
type patientImporter struct{ eventstream.Importer }

// An import waits so long for a store that takes nothing, and so long between two tries.
const (
	importPatience = 2 * time.Minute
	importPause    = time.Second
)

// Import implements eventstream.Importer.
func (p patientImporter) Import(ctx context.Context, transactions [][]eventstream.Commit) (done int, err error) {
	for since := time.Now(); ; {
		some, err := p.Importer.Import(ctx, transactions[done:])
		if done += some; some > 0 {
			since = time.Now()
		}
		if err == nil || !errors.Is(err, eventstream.ErrUnavailable) || errors.Is(err, eventstream.ErrClosed) || time.Since(since) >= importPatience {
			return done, err
		}
		if rest(ctx, importPause) != nil {
			return done, err
		}
	}
}
