package memsearch

import (
	"runtime"
	"unsafe"
)

// slab is one block of memory for all the arrays of a segment, outside the
// garbage collector's sight: it would otherwise let the heap grow to twice its
// size. It is given back when the slab is no longer reachable, so whoever holds
// a slice of it keeps the slab alive (runtime.KeepAlive) until done.
type slab struct {
	mem  []byte
	used int
}

// aligned is where each array of a slab begins: a multiple of a cache line.
const aligned = 64

func newSlab(size int) *slab {
	mem, release := reserve(max(size, aligned))
	s := &slab{mem: mem}
	if release != nil {
		runtime.AddCleanup(s, release, mem)
	}
	return s
}

// room is what an array of n elements takes up in a slab.
func room[T any](n int) int {
	var element T
	return (n*int(unsafe.Sizeof(element)) + aligned - 1) / aligned * aligned
}

// carve gives the slab's next n elements. T must be free of pointers.
func carve[T any](s *slab, n int) []T {
	if n == 0 {
		return nil
	}
	begin := s.used
	s.used += room[T](n)
	_ = s.mem[begin:s.used]
	return unsafe.Slice((*T)(unsafe.Pointer(&s.mem[begin])), n)
}

// bytesOf is the memory of an array.
func bytesOf[T any](array []T) []byte {
	if len(array) == 0 {
		return nil
	}
	var element T
	return unsafe.Slice((*byte)(unsafe.Pointer(&array[0])), len(array)*int(unsafe.Sizeof(element)))
}
