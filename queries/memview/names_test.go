package memview

import (
	"fmt"
	"sync"
	"testing"
)

func TestANameHasOneNumberWhoeverNeedsItFirst(t *testing.T) {
	const count, askers = 2000, 4
	var n names
	n.reset()
	var numbers [askers][count]int
	var asking sync.WaitGroup
	for a := range askers {
		asking.Go(func() {
			for i := range count {
				numbers[a][i], _ = n.number(fmt.Sprint(i))
			}
		})
	}
	asking.Wait()
	for i := range count {
		for a := range askers {
			if numbers[a][i] != numbers[0][i] || n.all()[numbers[a][i]] != fmt.Sprint(i) {
				t.Fatalf("name %d has the numbers %d and %d", i, numbers[0][i], numbers[a][i])
			}
		}
	}
}
