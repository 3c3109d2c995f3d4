//go:build unix

package heads

import "golang.org/x/sys/unix"

// mapped is from what size on memory is asked of the system: less is not worth a
// call for each shard of a small table.
const mapped = 64 << 10

// allocate gives zeroed memory that, if there is much of it, the garbage
// collector neither scans nor counts. It panics when there is none, as the
// runtime would.
func allocate(size int) []byte {
	if size < mapped {
		return make([]byte, size)
	}
	memory, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		panic("heads: out of memory: " + err.Error())
	}
	return memory
}

func release(memory []byte) {
	if len(memory) < mapped {
		return
	}
	if err := unix.Munmap(memory); err != nil {
		panic("heads: " + err.Error())
	}
}
