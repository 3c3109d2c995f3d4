// Package memfs is a directory in memory that fails when told to and shows what
// a crash may leave of it. It is for tests.
package memfs

import (
	"io"
	"io/fs"
	"maps"
	"math"
	"slices"
	"sync"

	"github.com/seed5b6a70b4/identity/eventstream/logstore/internal/vfs"
)

// Op is what is about to be done to the directory or to a file.
type Op string

// The operations that can be made to fail.
const (
	OpOpen     Op = "open"
	OpCreate   Op = "create"
	OpRename   Op = "rename"
	OpRemove   Op = "remove"
	OpList     Op = "list"
	OpSyncDir  Op = "sync directory"
	OpRead     Op = "read"
	OpWrite    Op = "write"
	OpTruncate Op = "truncate"
	OpAllocate Op = "allocate"
	OpSync     Op = "sync"
)

// Fault is how an operation fails. Of a write, the first Written bytes are done
// all the same.
type Fault struct {
	Err     error
	Written int
}

// FS is a directory in memory.
type FS struct {
	mu      sync.Mutex
	names   map[string]*inode // as they are
	durable map[string]*inode // as they were when last synced
	renames []func(map[string]*inode)
	free    uint64
	before  func(op Op, name string) *Fault
}

// inode is a file, whatever its names.
type inode struct {
	data    []byte   // as it is
	durable []byte   // as it was when last synced
	pending []change // what was done since
}

// change is a write, or with nil data a change of size.
type change struct {
	at   int64
	data []byte
}

// New makes an empty directory.
func New() *FS {
	return &FS{names: map[string]*inode{}, durable: map[string]*inode{}, free: math.MaxUint64}
}

// Before sets what is called before every operation, without locks held; the
// fault that it answers happens. Nil is called no more.
func (d *FS) Before(call func(op Op, name string) *Fault) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.before = call
}

// SetFree sets what Free answers.
func (d *FS) SetFree(free uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.free = free
}

// ReadFile gives a copy of a file, nil if there is none.
func (d *FS) ReadFile(name string) []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	if node, ok := d.names[name]; ok {
		return append([]byte{}, node.data...)
	}
	return nil
}

// WriteFile sets a file, durably.
func (d *FS) WriteFile(name string, data []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	node := &inode{data: slices.Clone(data), durable: slices.Clone(data)}
	d.names[name], d.durable[name] = node, node
}

// Flip changes a bit of a file, also for those who have it open.
func (d *FS) Flip(name string, at int64, bit int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.names[name].data[at] ^= 1 << bit
}

// Delete takes a file away, durably.
func (d *FS) Delete(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.names, name)
	delete(d.durable, name)
}

// Clone copies the directory as it is, all of it durable.
func (d *FS) Clone() *FS {
	d.mu.Lock()
	defer d.mu.Unlock()
	clone := New()
	for name, node := range d.names {
		copied := &inode{data: slices.Clone(node.data), durable: slices.Clone(node.data)}
		clone.names[name], clone.durable[name] = copied, copied
	}
	return clone
}

// Kill gives the directory as the end of the process now would leave it: all that
// was written is there, and what was not synced may still be lost.
func (d *FS) Kill() *FS {
	d.mu.Lock()
	defer d.mu.Unlock()
	left, copies := New(), map[*inode]*inode{}
	copyOf := func(node *inode) *inode {
		if copies[node] == nil {
			copies[node] = &inode{slices.Clone(node.data), slices.Clone(node.durable), slices.Clone(node.pending)}
		}
		return copies[node]
	}
	for name, node := range d.durable {
		left.durable[name] = copyOf(node)
	}
	for name, node := range d.names {
		left.names[name] = copyOf(node)
	}
	now := maps.Clone(left.names)
	left.renames = []func(map[string]*inode){func(names map[string]*inode) {
		clear(names)
		maps.Copy(names, now)
	}}
	return left
}

func (d *FS) fault(op Op, name string) *Fault {
	d.mu.Lock()
	before := d.before
	d.mu.Unlock()
	if before == nil {
		return nil
	}
	return before(op, name)
}

func (d *FS) do(op Op, name string, action func() error) error {
	if fault := d.fault(op, name); fault != nil {
		return &fs.PathError{Op: string(op), Path: name, Err: fault.Err}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := action(); err != nil {
		return &fs.PathError{Op: string(op), Path: name, Err: err}
	}
	return nil
}

// Open implements vfs.FS.
func (d *FS) Open(name string) (vfs.File, error) {
	var opened *file
	err := d.do(OpOpen, name, func() error {
		node, ok := d.names[name]
		if !ok {
			return fs.ErrNotExist
		}
		opened = &file{fs: d, node: node, name: name}
		return nil
	})
	return opened, err
}

// OpenReadOnly implements vfs.FS.
func (d *FS) OpenReadOnly(name string) (vfs.File, error) { return d.Open(name) }

// Create implements vfs.FS.
func (d *FS) Create(name string) (vfs.File, error) {
	node := &inode{}
	err := d.do(OpCreate, name, func() error {
		d.change(func(names map[string]*inode) { names[name] = node })
		return nil
	})
	return &file{fs: d, node: node, name: name}, err
}

// Rename implements vfs.FS.
func (d *FS) Rename(from, to string) error {
	return d.do(OpRename, from, func() error {
		node, ok := d.names[from]
		if !ok {
			return fs.ErrNotExist
		}
		d.change(func(names map[string]*inode) {
			delete(names, from)
			names[to] = node
		})
		return nil
	})
}

// Remove implements vfs.FS.
func (d *FS) Remove(name string) error {
	return d.do(OpRemove, name, func() error {
		if _, ok := d.names[name]; !ok {
			return fs.ErrNotExist
		}
		d.change(func(names map[string]*inode) { delete(names, name) })
		return nil
	})
}

func (d *FS) change(change func(map[string]*inode)) {
	change(d.names)
	d.renames = append(d.renames, change)
}

// List implements vfs.FS.
func (d *FS) List() ([]string, error) {
	var names []string
	err := d.do(OpList, ".", func() error {
		names = slices.Collect(maps.Keys(d.names))
		return nil
	})
	return names, err
}

// SyncDir implements vfs.FS.
func (d *FS) SyncDir() error {
	return d.do(OpSyncDir, ".", func() error {
		d.durable, d.renames = maps.Clone(d.names), nil
		return nil
	})
}

// Free implements vfs.FS.
func (d *FS) Free() (uint64, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.free, nil
}

type file struct {
	fs     *FS
	node   *inode
	name   string
	closed bool
}

func (f *file) do(op Op, action func() error) error {
	return f.fs.do(op, f.name, func() error {
		if f.closed {
			return fs.ErrClosed
		}
		return action()
	})
}

func (f *file) ReadAt(p []byte, at int64) (n int, err error) {
	err = f.do(OpRead, func() error {
		if at < int64(len(f.node.data)) {
			n = copy(p, f.node.data[at:])
		}
		return nil
	})
	if err == nil && n < len(p) {
		err = io.EOF
	}
	return n, err
}

func (f *file) WriteAt(p []byte, at int64) (int, error) {
	if fault := f.fs.fault(OpWrite, f.name); fault != nil {
		f.fs.mu.Lock()
		defer f.fs.mu.Unlock()
		written := min(fault.Written, len(p))
		f.node.apply(change{at, slices.Clone(p[:written])})
		return written, &fs.PathError{Op: string(OpWrite), Path: f.name, Err: fault.Err}
	}
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if f.closed {
		return 0, fs.ErrClosed
	}
	f.node.apply(change{at, slices.Clone(p)})
	return len(p), nil
}

func (f *file) Size() (int64, error) {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	return int64(len(f.node.data)), nil
}

func (f *file) Truncate(size int64) error {
	return f.do(OpTruncate, func() error {
		f.node.apply(change{at: size})
		return nil
	})
}

func (f *file) Allocate(size int64) error {
	return f.do(OpAllocate, func() error {
		if size > int64(len(f.node.data)) {
			f.node.apply(change{at: size})
		}
		return nil
	})
}

// Sync implements vfs.File. One that fails forgets what it should have synced, as
// systems do: it can still be read, no later sync writes it, and a crash loses it.
func (f *file) Sync() error {
	err := f.do(OpSync, func() error {
		for _, c := range f.node.pending {
			f.node.durable = c.on(f.node.durable)
		}
		return nil
	})
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	f.node.pending = nil
	return err
}

func (f *file) Close() error {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	f.closed = true
	return nil
}

func (n *inode) apply(c change) {
	n.pending = append(n.pending, c)
	n.data = c.on(n.data)
}

// on gives the data after the change.
func (c change) on(data []byte) []byte {
	end := c.at + int64(len(c.data))
	if c.data == nil && c.at < int64(len(data)) {
		return slices.Clip(data[:c.at])
	}
	if end > int64(len(data)) {
		data = append(data, make([]byte, end-int64(len(data)))...)
	}
	copy(data[c.at:], c.data)
	return data
}
