package main

import (
	"encoding/binary"
	"testing"

	"github.com/google/uuid"
)

// What is read by pages ends though more is written behind it all the while, and
// leaves out nothing that was there before.
func TestPagesEnd(t *testing.T) {
	number := func(id uuid.UUID) int { return int(binary.BigEndian.Uint64(id[8:])) }
	for _, before := range []int{0, 1, 4, 5, 11} {
		there := before
		read := &pages[uuid.UUID]{size: 4, id: func(id *uuid.UUID) uuid.UUID { return *id }}
		read.read = func(after uuid.UUID, limit int) (page []uuid.UUID, _ error) {
			for n := number(after) + 1; n <= there && len(page) < limit; n++ {
				var id uuid.UUID
				binary.BigEndian.PutUint64(id[8:], uint64(n))
				page = append(page, id)
			}
			there += 2
			return page, nil
		}
		met := 0
		for ; met < 1000; met++ {
			id, err := read.peek()
			if err != nil {
				t.Fatal(err)
			}
			if id == nil {
				break
			}
			if number(*id) != met+1 {
				t.Fatalf("%d comes after %d", number(*id), met)
			}
			read.next()
		}
		if met < before || met == 1000 {
			t.Errorf("%d were read where %d were there", met, before)
		}
	}
}
