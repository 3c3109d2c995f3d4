package testservers

import (
	"archive/zip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// checkSum tells whether a file is the one that is expected, by its SHA-256.
func checkSum(name, want string) error {
	archive, err := os.Open(name)
	if err != nil {
		return err
	}
	defer archive.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, archive); err != nil {
		return fmt.Errorf("read what was fetched: %w", err)
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != want {
		return fmt.Errorf("what was fetched is another file: its sum is %s", got)
	}
	return nil
}

// unpackFolder unpacks the folder of a name that stands in the only one at the top
// of an archive.
func unpackFolder(archive, folder, dir string) error {
	reader, err := zip.OpenReader(archive)
	if err != nil {
		return fmt.Errorf("unpack: %w", err)
	}
	defer reader.Close()
	for _, entry := range reader.File {
		_, below, _ := strings.Cut(entry.Name, "/")
		name, found := strings.CutPrefix(below, folder+"/")
		if !found || entry.FileInfo().IsDir() {
			continue
		}
		if !filepath.IsLocal(name) {
			return fmt.Errorf("unpack: %q leads out of the archive", entry.Name)
		}
		if err := unpack(entry, filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("unpack: %w", err)
		}
	}
	return nil
}

func unpack(entry *zip.File, name string) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	content, err := entry.Open()
	if err != nil {
		return err
	}
	defer content.Close()
	target, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, entry.Mode().Perm()|0o644)
	if err != nil {
		return err
	}
	if _, err := io.Copy(target, content); err != nil {
		_ = target.Close()
		return err
	}
	return target.Close()
}
