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

// Every metric that docs/aws.md names is one of the source.
func TestMetricsOfTheDocsAreThere(t *testing.T) {
	text, err := os.ReadFile("../../docs/aws.md")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	err = filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
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
	named := metricName.FindAllString(string(text), -1)
	if len(named) < 10 {
		t.Errorf("the docs name %d metrics", len(named))
	}
	for _, name := range named {
		if !known[name] {
			t.Errorf("the docs name %s, which nothing measures", name)
		}
	}
}
