package logstore_test

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/logstore"
)

// disk is a log in a real directory, closed after a number of transactions in
// several segments. There is a snapshot after each of the last two thirds.
func disk(t *testing.T, transactions int) (dir string, log [][]eventstream.Commit) {
	t.Helper()
	dir = t.TempDir()
	store := openDisk(t, dir, nil)
	for i := range transactions {
		if i == transactions/3 || i == 2*transactions/3 {
			if err := store.Snapshot(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		must[[]eventstream.Commit](t)(store.Append(t.Context(), user(strings.Repeat("d", 100))))
	}
	log = must[[][]eventstream.Commit](t)(contents(store))
	mustClose(t, store)
	return dir, log
}

func openDisk(t *testing.T, dir string, logger *slog.Logger) *logstore.Store {
	t.Helper()
	return must[*logstore.Store](t)(logstore.Open(dir, &logstore.Options{SegmentSize: 8 << 10, Logger: logger}))
}

// files are those of the directory that match, in order.
func files(t *testing.T, dir, pattern string) []string {
	t.Helper()
	names := must[[]string](t)(filepath.Glob(filepath.Join(dir, pattern)))
	slices.Sort(names)
	return names
}

// edit changes a file.
func edit(t *testing.T, name string, change func([]byte) []byte) {
	t.Helper()
	data := must[[]byte](t)(os.ReadFile(name))
	if err := os.WriteFile(name, change(data), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestATornTailIsCutOffAndSaidSo(t *testing.T) {
	dir, log := disk(t, 30)
	segments := files(t, dir, "*.log")
	var torn []byte
	edit(t, segments[len(segments)-1], func(data []byte) []byte {
		end := len(bytes.TrimRight(data, "\x00"))
		end = (end + 7) / 8 * 8
		torn = slices.Clone(data[64 : 64+400]) // like a frame, but it is not its place
		copy(data[end:], torn)
		return data
	})
	var said strings.Builder
	store := openDisk(t, dir, slog.New(slog.NewTextHandler(&said, nil)))
	if err := same(must[[][]eventstream.Commit](t)(contents(store)), log); err != nil {
		t.Error(err)
	}
	if !strings.Contains(said.String(), filepath.Base(segments[len(segments)-1])) || !strings.Contains(said.String(), "position=31") {
		t.Errorf("it said %q", said.String())
	}
	must[[]eventstream.Commit](t)(store.Append(t.Context(), user("after")))
	mustClose(t, store)
	if data := must[[]byte](t)(os.ReadFile(segments[len(segments)-1])); bytes.Contains(data[len(torn):], torn[24:]) {
		t.Error("the torn tail is still there")
	}
	said.Reset()
	mustClose(t, openDisk(t, dir, slog.New(slog.NewTextHandler(&said, nil))))
	if said.Len() > 0 {
		t.Errorf("a whole log says %q", said.String())
	}
}

func TestADirectoryThatCannotBeWrittenIsAClearError(t *testing.T) {
	parent := t.TempDir()
	file := filepath.Join(parent, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{file, filepath.Join(file, "log"), "/proc/self/log"} {
		if _, err := logstore.Open(dir, nil); err == nil || !strings.Contains(err.Error(), filepath.Dir(dir)) {
			t.Errorf("%s: %v", dir, err)
		}
	}
}

func TestOnlyOneHasTheLog(t *testing.T) {
	dir, _ := disk(t, 3)
	store := openDisk(t, dir, nil)
	if _, err := logstore.Open(dir, nil); !errors.Is(err, logstore.ErrLocked) {
		t.Errorf("open: %v", err)
	}
	for _, err := range logstore.Scan(t.Context(), dir) {
		if !errors.Is(err, logstore.ErrLocked) {
			t.Errorf("scan: %v", err)
		}
	}
	mustClose(t, store)
	mustClose(t, openDisk(t, dir, nil))
}

func TestScanGivesTheWholeLog(t *testing.T) {
	dir, log := disk(t, 40)
	before := files(t, dir, "*")
	var scanned [][]eventstream.Commit
	for commits, err := range logstore.Scan(t.Context(), dir) {
		if err != nil {
			t.Fatal(err)
		}
		scanned = append(scanned, commits)
	}
	if err := same(scanned, log); err != nil {
		t.Error(err)
	}
	for range logstore.Scan(t.Context(), dir) {
		break // and the lock is free again
	}
	if after := files(t, dir, "*"); !slices.Equal(before, after) {
		t.Errorf("scanning left %v of %v", after, before)
	}
	segments := files(t, dir, "*.log")
	edit(t, segments[1], func(data []byte) []byte { data[100]++; return data })
	scanned = nil
	var failure error
	for commits, err := range logstore.Scan(t.Context(), dir) {
		scanned, failure = append(scanned, commits), err
	}
	if corrupt, ok := errors.AsType[*logstore.CorruptError](failure); !ok || corrupt.File != filepath.Base(segments[1]) || corrupt.Position != scanned[len(scanned)-2][0].Log+1 {
		t.Errorf("after %d transactions: %v", len(scanned)-1, failure)
	}
	for _, err := range logstore.Scan(t.Context(), t.TempDir()) {
		if !errors.Is(err, eventstream.ErrCorrupt) {
			t.Errorf("scan of nothing: %v", err)
		}
	}
}

func TestSnapshotsAreNeverNeeded(t *testing.T) {
	damages := map[string]func(data []byte) []byte{
		"cut":     func(data []byte) []byte { return data[:len(data)/2] },
		"emptied": func([]byte) []byte { return nil },
		"flipped": func(data []byte) []byte { data[len(data)/2] ^= 4; return data },
	}
	for damage, do := range damages {
		for damaged := range 3 {
			dir, log := disk(t, 30)
			snapshots := files(t, dir, "heads-*.snapshot")
			if len(snapshots) != 2 {
				t.Fatalf("%d snapshots, not 2", len(snapshots))
			}
			for _, name := range snapshots[2-damaged:] {
				edit(t, name, do)
			}
			var said strings.Builder
			store := openDisk(t, dir, slog.New(slog.NewTextHandler(&said, nil)))
			if err := same(must[[][]eventstream.Commit](t)(contents(store)), log); err != nil {
				t.Errorf("%d snapshots %s: %v", damaged, damage, err)
			}
			if got := strings.Count(said.String(), "snapshot of the heads passed over"); got != damaged {
				t.Errorf("%d snapshots %s: it said %q", damaged, damage, said.String())
			}
			must[[]eventstream.Commit](t)(store.Append(t.Context(), user("")))
			mustClose(t, store)
		}
	}
}

// TestASnapshotHidesNoLoss damages what is before a snapshot and after it.
func TestASnapshotHidesNoLoss(t *testing.T) {
	cases := map[string]func(dir string, segments []string){
		"the first segment deleted":     func(_ string, s []string) { os.Remove(s[0]) },
		"a middle segment deleted":      func(_ string, s []string) { os.Remove(s[2]) },
		"the first segment cut":         func(_ string, s []string) { edit(t, s[0], func(d []byte) []byte { return d[:len(d)-8] }) },
		"the last segment deleted":      func(_ string, s []string) { os.Remove(s[len(s)-1]) },
		"all segments deleted":          func(dir string, s []string) { removeAll(s) },
		"all but the snapshots deleted": func(dir string, s []string) { removeAll(append(s, filepath.Join(dir, markFile))) },
	}
	for name, damage := range cases {
		dir, _ := disk(t, 120)
		damage(dir, files(t, dir, "*.log"))
		if _, err := logstore.Open(dir, nil); !errors.Is(err, eventstream.ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func removeAll(names []string) {
	for _, name := range names {
		os.Remove(name)
	}
}

// TestALogThatEndsBeforeASnapshotIsRefused has an older mark, so that only the
// snapshot tells.
func TestALogThatEndsBeforeASnapshotIsRefused(t *testing.T) {
	dir := t.TempDir()
	store := openDisk(t, dir, nil)
	mark := must[[]byte](t)(os.ReadFile(filepath.Join(dir, markFile)))
	for range 3 {
		must[[]eventstream.Commit](t)(store.Append(t.Context(), user("")))
	}
	segment := files(t, dir, "*.log")[0]
	short := must[[]byte](t)(os.ReadFile(segment))
	must[[]eventstream.Commit](t)(store.Append(t.Context(), user("")))
	mustClose(t, store)
	for name, data := range map[string][]byte{segment: short, filepath.Join(dir, markFile): mark} {
		edit(t, name, func([]byte) []byte { return data })
	}
	corrupt, ok := errors.AsType[*logstore.CorruptError](openError(dir))
	if !ok || corrupt.Position != 4 || corrupt.File != filepath.Base(segment) || corrupt.Offset < 64 {
		t.Errorf("error is %v", corrupt)
	}
}

func openError(dir string) error {
	store, err := logstore.Open(dir, nil)
	if err == nil {
		store.Close()
	}
	return err
}
