//go:build !unix

package memsearch

// reserve gives zeroed memory.
func reserve(size int) (mem []byte, release func([]byte)) { return make([]byte, size), nil }
