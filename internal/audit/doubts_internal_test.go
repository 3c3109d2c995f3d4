package audit

import (
	"testing"
	"testing/synctest"
	"time"
)

// What comes right within the patience is no finding, and the audit ends soon after.
func TestDoubtsAreLookedAtForAsLongAsPatienceLasts(t *testing.T) {
	const right = 45 * time.Second
	for patience, want := range map[time.Duration]int{time.Millisecond: 1, 10 * time.Second: 1, 40 * time.Second: 1, time.Minute: 0, time.Hour: 0} {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			a := &audit{options: Options{Patience: patience}}
			a.doubts.add(func() ([]Finding, error) {
				if time.Since(began) < right {
					return []Finding{{Part: Rows}}, nil
				}
				return nil, nil
			})
			if err := a.settleDoubts(t.Context()); err != nil || a.reporter.count != want {
				t.Errorf("with a patience of %v there are %d findings, %v", patience, a.reporter.count, err)
			}
			if took := time.Since(began); took < min(patience, right) || took > min(patience, right)+longestPause {
				t.Errorf("a patience of %v takes %v", patience, took)
			}
		})
	}
}
