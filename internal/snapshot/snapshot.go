// Package snapshot keeps derived state on disk, so that a start need not fold
// the whole log. A snapshot is never needed for correctness: one that is missing,
// damaged or of another build is passed over, and the state is folded again.
//
// The file, big-endian:
//
//	magic        8 bytes   "identsnp"
//	version      1 byte    1
//	fingerprint  uvarint length and bytes: what the body's form depends on
//	position     8 bytes   the log position from which to replay
//	header sum   4 bytes   CRC-32C of all before
//	body
//	body length  8 bytes
//	body sum     4 bytes   CRC-32C of the body
package snapshot

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const (
	magic     = "identsnp"
	version   = 1
	suffix    = ".snapshot"
	temporary = ".tmp"
	kept      = 2
	trailer   = 8 + 4
	buffered  = 1 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// ErrDamaged is why Load passes over a file that is not what Write wrote.
var ErrDamaged = errors.New("snapshot damaged")

// ErrOutdated is why Load passes over a file of another fingerprint.
var ErrOutdated = errors.New("snapshot of another build")

// Write makes the newest snapshot of a name in a directory: under a temporary
// name first, then synced, renamed, and the directory synced. The newest two of
// the name are kept. After an error the older ones are as they were.
func Write(dir, name, fingerprint string, position uint64, body func(io.Writer) error) (err error) {
	path := filepath.Join(dir, fmt.Sprintf("%s-%020d%s", name, position, suffix))
	defer func() {
		if err != nil {
			err = fmt.Errorf("write snapshot %s: %w", filepath.Base(path), err)
		}
	}()
	file, err := os.CreateTemp(dir, name+"-*"+temporary)
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	if err := errors.Join(writeTo(file, fingerprint, position, body), file.Close()); err != nil {
		return err
	}
	if err := os.Rename(file.Name(), path); err != nil {
		return err
	}
	if err := syncDir(dir); err != nil {
		return err
	}
	return prune(dir, name, filepath.Base(path))
}

func writeTo(file *os.File, fingerprint string, position uint64, body func(io.Writer) error) error {
	if _, err := file.Write(header(fingerprint, position)); err != nil {
		return err
	}
	buffer := bufio.NewWriterSize(file, buffered)
	summed := &summingWriter{to: buffer, sum: crc32.New(castagnoli)}
	if err := body(summed); err != nil {
		return err
	}
	end := binary.BigEndian.AppendUint64(nil, summed.size)
	end = binary.BigEndian.AppendUint32(end, summed.sum.Sum32())
	if _, err := buffer.Write(end); err != nil {
		return err
	}
	return errors.Join(buffer.Flush(), file.Sync())
}

func header(fingerprint string, position uint64) []byte {
	head := append([]byte(magic), version)
	head = binary.AppendUvarint(head, uint64(len(fingerprint)))
	head = append(head, fingerprint...)
	head = binary.BigEndian.AppendUint64(head, position)
	return binary.BigEndian.AppendUint32(head, crc32.Checksum(head, castagnoli))
}

type summingWriter struct {
	to   io.Writer
	sum  hash.Hash32
	size uint64
}

func (w *summingWriter) Write(p []byte) (int, error) {
	n, err := w.to.Write(p)
	w.sum.Write(p[:n])
	w.size += uint64(n)
	return n, err
}

// Load reads the newest good snapshot of a name: read is given its position and
// body. A file that cannot be used is told to warn and passed over, and read may
// be called again for an older one, so it must start afresh each time. If none
// is good, found is false. The body's checksum is compared after read returned.
// An error is one of the directory only. Nobody may be writing the name meanwhile:
// what a Write cut short left behind is removed.
func Load(dir, name, fingerprint string, warn func(file string, reason error), read func(position uint64, body io.Reader) error) (position uint64, found bool, err error) {
	if err := sweep(dir, name); err != nil {
		return 0, false, fmt.Errorf("remove what a crash left: %w", err)
	}
	files, err := list(dir, name)
	if err != nil {
		return 0, false, fmt.Errorf("list snapshots: %w", err)
	}
	for _, file := range slices.Backward(files) {
		position, err := load(filepath.Join(dir, file), fingerprint, read)
		if err == nil {
			return position, true, nil
		}
		if warn != nil {
			warn(file, err)
		}
	}
	return 0, false, nil
}

func load(path, fingerprint string, read func(uint64, io.Reader) error) (uint64, error) {
	file, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return 0, err
	}
	position, size, err := readHeader(file, fingerprint)
	if err != nil {
		return 0, err
	}
	length := info.Size() - size - trailer
	if length < 0 {
		return 0, ErrDamaged
	}
	sum := crc32.New(castagnoli)
	body := io.TeeReader(io.LimitReader(bufio.NewReaderSize(io.NewSectionReader(file, size, length), buffered), length), sum)
	if err := read(position, body); err != nil {
		return 0, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if _, err := io.Copy(io.Discard, body); err != nil {
		return 0, err
	}
	return position, checkTrailer(file, size+length, uint64(length), sum.Sum32())
}

func readHeader(file *os.File, fingerprint string) (position uint64, size int64, err error) {
	start := make([]byte, len(magic)+1+binary.MaxVarintLen64)
	if n, err := file.ReadAt(start, 0); err != nil && n < len(magic)+2 {
		return 0, 0, ErrDamaged
	}
	length, n := binary.Uvarint(start[len(magic)+1:])
	if n <= 0 || length > 1<<10 {
		return 0, 0, ErrDamaged
	}
	head := make([]byte, len(magic)+1+n+int(length)+8+4)
	if _, err := file.ReadAt(head, 0); err != nil {
		return 0, 0, ErrDamaged
	}
	end := len(head) - 4
	position = binary.BigEndian.Uint64(head[end-8:])
	if crc32.Checksum(head[:end], castagnoli) != binary.BigEndian.Uint32(head[end:]) {
		return 0, 0, ErrDamaged
	}
	if !bytes.Equal(head, header(fingerprint, position)) {
		return 0, 0, ErrOutdated
	}
	return position, int64(len(head)), nil
}

func checkTrailer(file *os.File, at int64, length uint64, sum uint32) error {
	end := make([]byte, trailer)
	if _, err := file.ReadAt(end, at); err != nil {
		return ErrDamaged
	}
	if binary.BigEndian.Uint64(end) != length || binary.BigEndian.Uint32(end[8:]) != sum {
		return ErrDamaged
	}
	return nil
}

// Remove removes all snapshots of a name, and what a crash left of one. Nobody may
// be writing the name meanwhile.
func Remove(dir, name string) error {
	err := sweep(dir, name)
	files, listErr := list(dir, name)
	for _, file := range files {
		err = errors.Join(err, os.Remove(filepath.Join(dir, file)))
	}
	if err = errors.Join(err, listErr); err != nil {
		return fmt.Errorf("remove the snapshots %s: %w", name, err)
	}
	return nil
}

// list gives the snapshots of a name, oldest first.
func list(dir, name string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var files []string
	for _, entry := range entries {
		file := entry.Name()
		position, ours := strings.CutPrefix(file, name+"-")
		position, whole := strings.CutSuffix(position, suffix)
		if ours && whole && len(position) == 20 {
			files = append(files, file)
		}
	}
	slices.Sort(files)
	return files, nil
}

// prune removes all snapshots but the one written and the newest of the others:
// one of another store may be further.
func prune(dir, name, written string) error {
	files, err := list(dir, name)
	if err != nil {
		return err
	}
	files = slices.DeleteFunc(files, func(file string) bool { return file == written })
	for _, file := range files[:max(0, len(files)-kept+1)] {
		if err := os.Remove(filepath.Join(dir, file)); err != nil {
			return err
		}
	}
	return nil
}

// sweep removes what a crash left of a Write.
func sweep(dir, name string) error {
	files, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, file := range files {
		random, ours := strings.CutPrefix(file.Name(), name+"-")
		if ours && strings.HasSuffix(random, temporary) && !strings.Contains(random, "-") {
			err = errors.Join(err, os.Remove(filepath.Join(dir, file.Name())))
		}
	}
	return err
}

func syncDir(dir string) error {
	opened, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(opened.Sync(), opened.Close())
}
