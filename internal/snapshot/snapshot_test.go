package snapshot_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed5b6a70b4/identity/internal/snapshot"
)

func write(t *testing.T, dir string, position uint64, body string) {
	t.Helper()
	err := snapshot.Write(dir, "rows", "v1", position, func(w io.Writer) error {
		_, err := io.WriteString(w, body)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// load gives what the newest good snapshot holds, and the reasons for passing
// over others.
func load(t *testing.T, dir, fingerprint string) (body string, position uint64, found bool, passed []error) {
	t.Helper()
	position, found, err := snapshot.Load(dir, "rows", fingerprint,
		func(_ string, reason error) { passed = append(passed, reason) },
		func(_ uint64, r io.Reader) error {
			read, err := io.ReadAll(r)
			body = string(read)
			return err
		})
	if err != nil {
		t.Fatal(err)
	}
	return body, position, found, passed
}

func TestNewestIsLoadedAndTwoAreKept(t *testing.T) {
	dir := t.TempDir()
	for position, body := range []string{"none", "one", "two", "three"} {
		write(t, dir, uint64(position), body)
	}
	if body, position, found, _ := load(t, dir, "v1"); body != "three" || position != 3 || !found {
		t.Errorf("loaded %q at %d, found %t", body, position, found)
	}
	if files, _ := filepath.Glob(filepath.Join(dir, "*")); len(files) != 2 {
		t.Errorf("%d files are kept, not 2: %v", len(files), files)
	}
}

func TestNothingThere(t *testing.T) {
	if _, _, found, passed := load(t, t.TempDir(), "v1"); found || passed != nil {
		t.Errorf("found %t, passed over %v", found, passed)
	}
}

func TestAnotherBuildsSnapshotIsPassedOver(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, 7, "rows")
	_, _, found, passed := load(t, dir, "v2")
	if found || len(passed) != 1 || !errors.Is(passed[0], snapshot.ErrOutdated) {
		t.Errorf("found %t, passed over %v", found, passed)
	}
}

func TestEveryFlippedBitAndEveryCutIsNoticed(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, 1, "the older one")
	write(t, dir, 2, "the newer one")
	newest := filepath.Join(dir, "rows-00000000000000000002.snapshot")
	good, err := os.ReadFile(newest)
	if err != nil {
		t.Fatal(err)
	}
	check := func(damage string, bad []byte) {
		if err := os.WriteFile(newest, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		body, position, found, passed := load(t, dir, "v1")
		if body != "the older one" || position != 1 || !found || len(passed) != 1 {
			t.Errorf("%s: loaded %q at %d, passed over %v", damage, body, position, passed)
		}
	}
	for at := range good {
		for bit := range 8 {
			bad := []byte(string(good))
			bad[at] ^= 1 << bit
			check("a flipped bit", bad)
		}
		check("a cut", good[:at])
	}
}

func TestAFailedWriteLeavesTheOlderOne(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, 1, "rows")
	failure := errors.New("disk full")
	err := snapshot.Write(dir, "rows", "v1", 2, func(w io.Writer) error {
		io.WriteString(w, strings.Repeat("x", 1<<20))
		return failure
	})
	if !errors.Is(err, failure) {
		t.Fatalf("error is %v", err)
	}
	if body, _, _, _ := load(t, dir, "v1"); body != "rows" {
		t.Errorf("loaded %q", body)
	}
	if files, _ := filepath.Glob(filepath.Join(dir, "*")); len(files) != 1 {
		t.Errorf("files left behind: %v", files)
	}
}

func TestWhatACrashLeftIsRemoved(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, 1, "one")
	for _, name := range []string{"rows-123.tmp", "other-123.tmp", "rows.tmp"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if body, _, found, _ := load(t, dir, "v1"); body != "one" || !found {
		t.Errorf("loaded %q, found %t", body, found)
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*.tmp"))
	if want := []string{filepath.Join(dir, "other-123.tmp"), filepath.Join(dir, "rows.tmp")}; !slices.Equal(files, want) {
		t.Errorf("left are %v, want %v", files, want)
	}
}

// TestWhatIsWrittenIsKept has snapshots of a log that got further, of another
// store.
func TestWhatIsWrittenIsKept(t *testing.T) {
	dir := t.TempDir()
	for _, position := range []uint64{1000, 2000, 7} {
		write(t, dir, position, "some")
	}
	if _, err := os.Stat(filepath.Join(dir, "rows-00000000000000000007.snapshot")); err != nil {
		t.Error(err)
	}
	if files, _ := filepath.Glob(filepath.Join(dir, "*")); len(files) != 2 {
		t.Errorf("%d files are kept, not 2: %v", len(files), files)
	}
}
