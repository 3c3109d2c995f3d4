//go:build !linux

package vfs

import "math"

// Free knows no limit: the low-water mark works on Linux only.
func (d directory) Free() (uint64, error) { return math.MaxUint64, nil }

// Allocate extends the file; whether room is reserved is up to the system.
func (f file) Allocate(size int64) error { return f.Truncate(size) }
