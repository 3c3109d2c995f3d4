package logstore_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/logstore"
	"github.com/seed5b6a70b4/identity/eventstream/logstore/internal/memfs"
)

const markFile = "acknowledged"

// sample is a log of a few segments. If it was not closed, its last segment's
// batches are not in the mark yet.
func sample(t *testing.T, closed bool) (*memfs.FS, [][]eventstream.Commit) {
	t.Helper()
	fs := memfs.New()
	store := openMemory(t, fs, &logstore.Options{SegmentSize: 2 << 10})
	defer store.Close()
	for i := range 11 {
		if _, err := store.Append(t.Context(), user(strings.Repeat("d", 100*(i%3)))); err != nil {
			t.Fatal(err)
		}
	}
	log := must[[][]eventstream.Commit](t)(contents(store))
	if closed {
		mustClose(t, store)
	}
	return fs.Clone(), log
}

// logFiles are the names of the segments, in order.
func logFiles(fs *memfs.FS) []string {
	names, _ := fs.List()
	names = slices.DeleteFunc(names, func(name string) bool { return !strings.HasSuffix(name, ".log") })
	slices.Sort(names)
	return names
}

// reopened gives what the store has that opens what is there. Damage must be told
// as such, by Open and by Scan alike.
func reopened(fs *memfs.FS) ([][]eventstream.Commit, error) {
	scanned := [][]eventstream.Commit{}
	scanErr := logstore.ScanOn(fs.Clone(), func(commits []eventstream.Commit) error {
		scanned = append(scanned, commits)
		return nil
	})
	store, err := logstore.OpenOn(fs, &logstore.Options{SegmentSize: 2 << 10})
	if (err == nil) != (scanErr == nil) {
		return nil, fmt.Errorf("open says %v, and scan %v", err, scanErr)
	}
	if err != nil {
		if _, ok := errors.AsType[*logstore.CorruptError](err); !ok || !errors.Is(scanErr, eventstream.ErrCorrupt) {
			return nil, fmt.Errorf("open says %v, and scan %v: not that it is corrupt", err, scanErr)
		}
		return nil, err
	}
	defer store.Close()
	log, err := contents(store)
	if err != nil {
		return nil, fmt.Errorf("opened, but: %w", errors.Join(err, errWrong))
	}
	if err := same(scanned, log); err != nil {
		return nil, fmt.Errorf("scan and open differ: %w", err)
	}
	return log, nil
}

var errWrong = errors.New("opened what is damaged")

// refusedOrWhole tells whether damage was told, or did none.
func refusedOrWhole(fs *memfs.FS, want [][]eventstream.Commit) error {
	log, err := reopened(fs)
	if errors.Is(err, eventstream.ErrCorrupt) && !errors.Is(err, errWrong) {
		return nil
	}
	if err != nil {
		return err
	}
	return same(log, want)
}

func TestEveryFlippedBitIsNoticedOrHarmless(t *testing.T) {
	fs, want := sample(t, true)
	if files := logFiles(fs); len(files) < 3 {
		t.Fatalf("only %d segments", len(files))
	}
	flipped := 0
	for _, name := range append(logFiles(fs), markFile) {
		for at := range int64(len(fs.ReadFile(name))) {
			if name == markFile && at%4096 >= 64 || testing.Short() && at%7 != 0 {
				continue // between the slots, or to be quick
			}
			damaged := fs.Clone()
			damaged.Flip(name, at, int(at+at/8)%8)
			if err := refusedOrWhole(damaged, want); err != nil {
				t.Fatalf("%s, bit %d of byte %d: %v", name, int(at+at/8)%8, at, err)
			}
			flipped++
		}
	}
	t.Logf("%d bits", flipped)
}

// TestOnlyTheLastBatchIsUndecidable flips bits in a log whose last batches are
// not in the mark: the last one may be taken for torn, all others may not.
func TestOnlyTheLastBatchIsUndecidable(t *testing.T) {
	fs, want := sample(t, false)
	files, torn, refused := logFiles(fs), 0, 0
	last := files[len(files)-1]
	if batches := strings.Count(string(fs.ReadFile(last)), "idfr"); batches < 3 {
		t.Fatalf("only %d batches in the last segment", batches)
	}
	for at := range int64(len(fs.ReadFile(last))) {
		damaged := fs.Clone()
		damaged.Flip(last, at, int(at+at/8)%8)
		log, err := reopened(damaged)
		switch {
		case errors.Is(err, eventstream.ErrCorrupt) && !errors.Is(err, errWrong):
			refused++
		case err == nil && len(log) == len(want)-1:
			torn++
			err = same(log, want[:len(log)])
		case err == nil:
			err = same(log, want)
		}
		if err != nil && !errors.Is(err, eventstream.ErrCorrupt) || errors.Is(err, errWrong) {
			t.Fatalf("byte %d: %v", at, err)
		}
	}
	if torn == 0 || refused == 0 {
		t.Errorf("%d flips look like a torn end, %d are refused", torn, refused)
	}
}

func TestDamagedFilesAreRefused(t *testing.T) {
	fs, want := sample(t, true)
	other, _ := sample(t, true)
	files := logFiles(fs)
	check := func(what string, damage func(*memfs.FS)) {
		t.Helper()
		damaged := fs.Clone()
		damage(damaged)
		switch log, err := reopened(damaged); {
		case err == nil:
			t.Errorf("%s: opened with %d of %d transactions", what, len(log), len(want))
		case !errors.Is(err, eventstream.ErrCorrupt) || errors.Is(err, errWrong):
			t.Errorf("%s: %v", what, err)
		}
	}
	for i, name := range files {
		whole := fs.ReadFile(name)
		used := len(strings.TrimRight(string(whole), "\x00"))
		check(name+" deleted", func(fs *memfs.FS) { fs.Delete(name) })
		check(name+" zeroed", func(fs *memfs.FS) { fs.WriteFile(name, make([]byte, len(whole))) })
		check(name+" of another log", func(fs *memfs.FS) { fs.WriteFile(name, other.ReadFile(name)) })
		check(name+" and its neighbour swapped", func(fs *memfs.FS) {
			neighbour := files[(i+1)%len(files)]
			next := fs.ReadFile(neighbour)
			fs.WriteFile(neighbour, whole)
			fs.WriteFile(name, next)
		})
		for _, size := range []int{0, 1, 63, 64, 65, used / 2, used - 9} {
			check(fmt.Sprintf("%s cut to %d", name, size), func(fs *memfs.FS) { fs.WriteFile(name, whole[:size]) })
		}
		for from := 0; from+512 <= used; from += 512 {
			check(fmt.Sprintf("%s without sector %d", name, from/512), func(fs *memfs.FS) {
				clear(whole[from : from+512])
				fs.WriteFile(name, whole)
			})
		}
	}
	check("all segments deleted", func(fs *memfs.FS) {
		for _, name := range files {
			fs.Delete(name)
		}
	})
	check("the mark deleted", func(fs *memfs.FS) { fs.Delete(markFile) })
	check("the mark zeroed", func(fs *memfs.FS) { fs.WriteFile(markFile, make([]byte, 8192)) })
	check("the mark cut", func(fs *memfs.FS) { fs.WriteFile(markFile, nil) })
	check("the mark of another log", func(fs *memfs.FS) { fs.WriteFile(markFile, other.ReadFile(markFile)) })
}

func TestAnOperatorMayTrustALogWithoutItsMark(t *testing.T) {
	fs, want := sample(t, true)
	fs.WriteFile(markFile, make([]byte, 8192))
	store := openMemory(t, fs, &logstore.Options{TrustLog: true})
	log := must[[][]eventstream.Commit](t)(contents(store))
	if err := same(log, want); err != nil {
		t.Error(err)
	}
	mustClose(t, store)
	mustClose(t, openMemory(t, fs, nil)) // the mark is there again
	last := logFiles(fs)[len(logFiles(fs))-1]
	fs.WriteFile(last, append(fs.ReadFile(last)[:64], make([]byte, 4032)...))
	if _, err := logstore.OpenOn(fs, nil); !errors.Is(err, eventstream.ErrCorrupt) {
		t.Errorf("the mark made anew promises nothing: %v", err)
	}
}

func TestOneWholeSlotOfTheMarkIsEnough(t *testing.T) {
	fs, want := sample(t, true)
	for _, slot := range []int64{0, 4096} {
		damaged := fs.Clone()
		damaged.Flip(markFile, slot+33, 0)
		log := must[[][]eventstream.Commit](t)(reopened(damaged))
		if err := same(log, want); err != nil {
			t.Error(err)
		}
		// It was mended: the other slot may break next.
		damaged.Flip(markFile, 4096-slot+33, 0)
		if _, err := reopened(damaged); err != nil {
			t.Error(err)
		}
	}
}

// TestNothingDamagedIsServed flips bits under an open store, which has them in no
// cache of its own.
func TestNothingDamagedIsServed(t *testing.T) {
	fs, want := sample(t, true)
	store := openMemory(t, fs, nil)
	defer store.Close()
	for _, name := range logFiles(fs) {
		for at := int64(64); at < int64(len(fs.ReadFile(name))); at += 3 {
			fs.Flip(name, at, int(at%8))
			log, err := contents(store)
			if err == nil {
				err = same(log, want)
			}
			if err != nil && !errors.Is(err, eventstream.ErrCorrupt) {
				t.Fatalf("%s, byte %d: %v", name, at, err)
			}
			if err := readStreams(store, want); err != nil && !errors.Is(err, eventstream.ErrCorrupt) {
				t.Fatalf("%s, byte %d: %v", name, at, err)
			}
			scrub := store.Scrub(t.Context())
			if err != nil && !errors.Is(scrub, eventstream.ErrCorrupt) {
				t.Fatalf("%s, byte %d: reads tell %v, scrubbing %v", name, at, err, scrub)
			}
			if damage := store.Health().Damage; !errors.Is(damage, scrub) {
				t.Fatalf("%s, byte %d: scrubbing tells %v, health %v", name, at, scrub, damage)
			}
			fs.Flip(name, at, int(at%8))
		}
	}
	if err := store.Scrub(t.Context()); err != nil || store.Health().Damage != nil || store.Health().Scrubbed != store.End() {
		t.Errorf("a log that is whole: %v, %+v", err, store.Health())
	}
}
