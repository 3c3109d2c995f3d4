package memview

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

// TestArenaKeepsRows compares an arena with a map of rows, while it is filled
// with garbage and compacted.
func TestArenaKeepsRows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var a arena
		const owners = 40
		places, rows := [owners][2]place{}, [owners][2][]byte{}
		for range rapid.IntRange(1, 3000).Draw(t, "writes") {
			seed := rapid.Uint16().Draw(t, "row")
			owner, s := ref(seed%owners), side(seed/owners%2)
			row := bytes.Repeat([]byte{byte(seed), byte(seed >> 8)}, 1+int(seed)*13%700)
			if seed%997 == 0 {
				row = bytes.Repeat(row, 1+chunkSize/len(row)) // more than a chunk
			}
			at, err := a.put(places[owner][s], owner, s, row)
			if err != nil {
				t.Fatal(err)
			}
			places[owner][s], rows[owner][s] = at, row
			a.compact(func(owner ref, s side) *place { return &places[owner][s] })
		}
		live := 0
		for owner := range rows {
			for s, row := range rows[owner] {
				if places[owner][s] == 0 {
					continue
				}
				got := a.row(places[owner][s])
				if live += headerSize + len(got); !bytes.HasPrefix(got, row) {
					t.Fatalf("row of %d bytes was lost", len(row))
				}
			}
		}
		filled, held := 0, 0
		for _, c := range a.chunks {
			filled, held = filled+len(c.bytes), held+cap(c.bytes)
		}
		if filled != live+a.garbage || held != a.held {
			t.Fatalf("%d bytes filled and %d held, but %d live, %d garbage and %d held were counted", filled, held, live, a.garbage, a.held)
		}
		if a.garbage > max(3*chunkSize, a.held/2) {
			t.Fatalf("%d of %d bytes are garbage", a.garbage, a.held)
		}
	})
}
