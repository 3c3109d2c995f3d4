package main

import (
	"context"
	"math"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// Bounds of the garbage that may pile up between two collections. The views are
// a large heap without pointers: doubling it, as GOGC=100 lets it, would cost
// hundreds of megabytes, and collecting it costs next to nothing.
const (
	leastHeadroom   = 64 << 20
	largestHeadroom = 256 << 20
	// headroomShare of the live heap is allowed between the bounds.
	headroomShare = 0.25
	tuneEvery     = time.Second
)

// collectorIsTuned tells whether the environment says how garbage is collected;
// then it is left alone.
func collectorIsTuned() bool {
	_, percent := os.LookupEnv("GOGC")
	_, limit := os.LookupEnv("GOMEMLIMIT")
	return percent || limit
}

// percentFor gives the GOGC that leaves a bounded headroom above a live heap.
func percentFor(live uint64) int {
	if live == 0 {
		return 100
	}
	headroom := min(max(float64(live)*headroomShare, leastHeadroom), largestHeadroom)
	return int(math.Ceil(min(100*headroom/float64(live), 1000)))
}

// tuneCollector keeps GOGC at what the live heap asks for, until ctx ends.
func tuneCollector(ctx context.Context) error {
	if collectorIsTuned() {
		return nil
	}
	ticker := time.NewTicker(tuneEvery)
	defer ticker.Stop()
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	current := 0
	for {
		metrics.Read(sample)
		if sample[0].Value.Kind() == metrics.KindUint64 {
			if percent := percentFor(sample[0].Value.Uint64()); percent != current {
				debug.SetGCPercent(percent)
				current = percent
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}
