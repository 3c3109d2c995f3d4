package audit

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// look tells what is wrong somewhere now.
type look func() ([]Finding, error)

// doubts are what was found once on a scan and may still come right.
type doubts struct {
	mu    sync.Mutex
	looks []look
}

func (d *doubts) add(look look) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.looks = append(d.looks, look)
}

// settle is settleAll for a single thing.
func (a *audit) settle(ctx context.Context, look func() (*Finding, error)) error {
	return a.settleAll(ctx, func() ([]Finding, error) {
		found, err := look()
		if found == nil || err != nil {
			return nil, err
		}
		return []Finding{*found}, nil
	})
}

// settleAll reports what look finds. While the store is written to, look may see
// one thing before a write and the other after it: then only what it finds again
// and again is reported. On a scan that is at the end of the audit.
func (a *audit) settleAll(ctx context.Context, look look) error {
	if a.log == nil {
		found, err := look()
		if len(found) > 0 && err == nil {
			a.doubts.add(look)
		}
		return err
	}
	const looks, pause = 20, 10 * time.Millisecond
	for left := looks; ; left-- {
		found, err := look()
		if err != nil || len(found) == 0 {
			return err
		}
		if left == 0 || a.log.End() == a.report.End {
			a.addAll(found)
			return nil
		}
		if err := wait(ctx, pause); err != nil {
			return err
		}
	}
}

// Doubts are looked at again so often at least, and after such a pause at most.
const (
	leastRounds  = 8
	longestPause = 5 * time.Second
)

// settleDoubts looks at doubts until they are gone or patience is at its end, and
// reports those that stay.
func (a *audit) settleDoubts(ctx context.Context) error {
	left := a.doubts.looks
	until := time.Now().Add(a.options.Patience)
	for round, last := 1, false; len(left) > 0 && !last; round++ {
		if err := wait(ctx, min(a.options.Patience/leastRounds, longestPause)); err != nil {
			return err
		}
		last = round >= leastRounds && !time.Now().Before(until)
		before := left
		left = left[:0]
		a.round = round
		for i, look := range before {
			if i%64 == 0 {
				a.progress("looking again", uint64(i), uint64(len(before)))
			}
			found, err := look()
			switch {
			case err != nil:
				return err
			case len(found) > 0 && last:
				a.addAll(found)
			case len(found) > 0:
				left = append(left, look)
			}
		}
	}
	return nil
}

func (a *audit) addAll(found []Finding) {
	for _, one := range found {
		a.reporter.add(one)
	}
}

func wait(ctx context.Context, pause time.Duration) error {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// unlessCorrupt passes on that the store cannot be asked. What it finds corrupt
// is a finding of the scan.
func unlessCorrupt(err error) error {
	if errors.Is(err, eventstream.ErrCorrupt) {
		return nil
	}
	return err
}
