package memfs

import (
	"math/rand/v2"
	"slices"
)

const sector = 512

// Crash gives a directory as a loss of power now may leave it: what was synced,
// and of what was not, any sectors of any writes, a few of them torn, and any
// changes of size; of the changes to names that were not synced, the first few.
func (d *FS) Crash(random *rand.Rand) *FS {
	d.mu.Lock()
	defer d.mu.Unlock()
	names := map[string]*inode{}
	for name, node := range d.durable {
		names[name] = node
	}
	for _, change := range d.renames[:random.IntN(len(d.renames)+1)] {
		change(names)
	}
	image, copies := New(), map[*inode]*inode{}
	for name, node := range names {
		if copies[node] == nil {
			data := node.crash(random)
			copies[node] = &inode{data: data, durable: slices.Clone(data)}
		}
		image.names[name], image.durable[name] = copies[node], copies[node]
	}
	return image
}

func (n *inode) crash(random *rand.Rand) []byte {
	data := slices.Clone(n.durable)
	// Sometimes all of it is lost, or nothing: both are commoner than chance.
	keep := []float64{0, 0.5, 0.9, 1}[random.IntN(4)]
	for _, c := range n.pending {
		if c.data == nil {
			if random.Float64() < keep {
				data = c.on(data)
			}
			continue
		}
		for from := int64(0); from < int64(len(c.data)); {
			to := min(int64(len(c.data)), (c.at+from)/sector*sector+sector-c.at)
			part := c.data[from:to]
			if random.IntN(16) == 0 {
				part = part[:random.IntN(len(part)+1)]
			}
			if random.Float64() < keep && len(part) > 0 {
				data = change{c.at + from, part}.on(data)
			}
			from = to
		}
	}
	return data
}
