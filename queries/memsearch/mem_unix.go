//go:build unix

package memsearch

import "golang.org/x/sys/unix"

// reserve gives zeroed memory that the garbage collector does not count. Pages
// that are never touched cost nothing.
func reserve(size int) (mem []byte, release func([]byte)) {
	mem, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return make([]byte, size), nil
	}
	return mem, func(mem []byte) { _ = unix.Munmap(mem) }
}
