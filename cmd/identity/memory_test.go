package main

import "testing"

// Garbage is bounded: by a quarter of what lives, from 64 to 256 MiB.
func TestHeadroomIsBounded(t *testing.T) {
	for _, test := range []struct{ live, least, most uint64 }{
		{1 << 20, 10 << 20, 11 << 20},
		{64 << 20, 64 << 20, 65 << 20},
		{400 << 20, 100 << 20, 104 << 20},
		{1 << 30, 256 << 20, 267 << 20},
		{10 << 30, 256 << 20, 360 << 20},
	} {
		headroom := test.live * uint64(percentFor(test.live)) / 100
		if headroom < test.least || headroom > test.most {
			t.Errorf("%d MiB that live leave %d MiB for garbage, not %d to %d", test.live>>20, headroom>>20, test.least>>20, test.most>>20)
		}
	}
	if percentFor(0) != 100 {
		t.Error("nothing is known of the heap, and GOGC is not what it is by default")
	}
}

func TestEnvironmentTunesTheCollector(t *testing.T) {
	t.Setenv("GOMEMLIMIT", "1GiB")
	if !collectorIsTuned() {
		t.Error("GOMEMLIMIT is passed over")
	}
}
