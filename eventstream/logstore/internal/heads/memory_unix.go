//go:build unix

package heads

import "golang.org/x/sys/unix"

// allocate gives zeroed memory that the garbage collector neither scans nor
// counts. It panics when there is none, as the runtime would.
func allocate(size int) []byte {
	memory, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		panic("heads: out of memory: " + err.Error())
	}
	return memory
}

func release(memory []byte) {
	if memory == nil {
		return
	}
	if err := unix.Munmap(memory); err != nil {
		panic("heads: " + err.Error())
	}
}
