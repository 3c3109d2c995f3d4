package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var metricName = regexp.MustCompile(`identity_[a-z_]+[a-z]`)

// measuredNames are the metrics of the source, and those of Go and of the process
// that dashboards ask for.
func measuredNames(t *testing.T) map[string]bool {
	t.Helper()
	known := map[string]bool{
		"go_memstats_heap_alloc_bytes": true, "go_goroutines": true,
		"process_resident_memory_bytes": true, "process_cpu_seconds_total": true, "process_open_fds": true,
	}
	err := filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		for _, quoted := range regexp.MustCompile(`"identity_[a-z_]+"`).FindAllString(string(source), -1) {
			known[strings.Trim(quoted, `"`)] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return known
}

// Every metric that the docs name is one of the source, and docs/operations.md
// names every one of those, of both stores.
func TestMetricsOfTheDocsAreThere(t *testing.T) {
	known, explained := measuredNames(t), map[string]bool{}
	for _, page := range []string{"aws.md", "operations.md"} {
		text, err := os.ReadFile("../../docs/" + page)
		if err != nil {
			t.Fatal(err)
		}
		named := metricName.FindAllString(string(text), -1)
		if len(named) < 6 {
			t.Errorf("%s names %d metrics", page, len(named))
		}
		for _, name := range named {
			if !known[name] {
				t.Errorf("%s names %s, which nothing measures", page, name)
			}
			explained[name] = explained[name] || page == "operations.md"
		}
	}
	for name := range known {
		if strings.HasPrefix(name, "identity_") && !explained[name] {
			t.Errorf("operations.md does not say what %s means", name)
		}
	}
}
