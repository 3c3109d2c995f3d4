package vfs

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

func (d directory) Free() (uint64, error) {
	var stat unix.Statfs_t
	if err := unix.Statfs(string(d), &stat); err != nil {
		return 0, &os.PathError{Op: "statfs", Path: string(d), Err: err}
	}
	return stat.Bavail * uint64(stat.Bsize), nil
}

func (f file) Allocate(size int64) error {
	err := ignoringInterrupts(func() error { return unix.Fallocate(int(f.Fd()), 0, 0, size) })
	if errors.Is(err, unix.EOPNOTSUPP) {
		return f.Truncate(size)
	}
	if err != nil {
		return &os.PathError{Op: "fallocate", Path: f.Name(), Err: err}
	}
	return nil
}

func (f file) Sync() error {
	if err := ignoringInterrupts(func() error { return unix.Fdatasync(int(f.Fd())) }); err != nil {
		return &os.PathError{Op: "fdatasync", Path: f.Name(), Err: err}
	}
	return nil
}

func ignoringInterrupts(call func() error) error {
	for {
		if err := call(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
