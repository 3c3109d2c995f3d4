package main

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// awayImporter takes one transaction each time that it is asked, and is away then.
type awayImporter struct {
	err   error // why it is away
	steps int   // how often it takes something
	took  int
}

func (a *awayImporter) Import(_ context.Context, transactions [][]eventstream.Commit) (int, error) {
	if a.took == a.steps {
		return 0, a.err
	}
	a.took++
	if len(transactions) == 1 {
		return 1, nil
	}
	return 1, a.err
}

// An import goes on where the store was away, for as long as something is written now
// and then, and not where going on cannot help.
func TestAnImportIsPatient(t *testing.T) {
	lost := fmt.Errorf("%w: no answer", eventstream.ErrUnknownOutcome)
	contradicts := &eventstream.ImportError{Kind: eventstream.ErrContradicts}
	closed := fmt.Errorf("write: %w", eventstream.ErrClosed)
	for _, test := range []struct {
		name        string
		err         error
		steps, took int
		lasts       time.Duration
		ends        error
	}{
		{"away now and then", lost, 1000, 5, 4 * importPause, nil},
		{"away for good", lost, 3, 3, 2*importPause + importPatience, eventstream.ErrUnknownOutcome},
		{"contradicted", contradicts, 3, 1, 0, eventstream.ErrContradicts},
		{"closed", closed, 3, 1, 0, eventstream.ErrClosed},
	} {
		synctest.Test(t, func(t *testing.T) {
			store, began := &awayImporter{err: test.err, steps: test.steps}, time.Now()
			done, err := patientImporter{store}.Import(t.Context(), make([][]eventstream.Commit, 5))
			if done != test.took || !errors.Is(err, test.ends) || time.Since(began) != test.lasts {
				t.Errorf("%s: %d are there, %v, after %v", test.name, done, err, time.Since(began))
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 3*importPause/2)
		defer cancel()
		if done, err := (patientImporter{&awayImporter{err: lost}}).Import(ctx, make([][]eventstream.Commit, 5)); done != 0 || !errors.Is(err, eventstream.ErrUnknownOutcome) {
			t.Errorf("told to stop: %d are there, %v", done, err)
		}
	})
}
