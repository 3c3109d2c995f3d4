package querysync

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// A view's snapshot may be past a commit that is parked, so that no replay comes
// by it again. Therefore the list of parked streams is a file, written before the
// view's position moves past a commit that is on it. Without the file, or with a
// damaged one, the first sweep goes over every stream and makes the list again.

// parkedFile is the file.
type parkedFile struct {
	// Complete tells that whatever was parked before the file was made is on it.
	Complete bool           `json:"complete"`
	Parked   []*parkedEntry `json:"parked"`
}

func loadParked(o *Options, view string) *parkedStreams {
	p := &parkedStreams{view: view, store: o.Parked, entries: map[eventstream.StreamID]*parkedEntry{}, changed: map[eventstream.StreamID]bool{}}
	if p.store == nil && o.Directory != "" {
		p.path = filepath.Join(o.Directory, "parked-"+view+".json")
		p.readFile(o.Logger)
	}
	return p
}

func (p *parkedStreams) readFile(logger *slog.Logger) {
	raw, err := os.ReadFile(p.path)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	var file parkedFile
	if err == nil {
		err = json.Unmarshal(raw, &file)
	}
	if err != nil || slices.Contains(file.Parked, nil) {
		logger.Warn("parked streams will be looked for again: their list cannot be read", "file", p.path, "error", err)
		return
	}
	for _, entry := range file.Parked {
		p.entries[entry.Stream] = entry
	}
	p.count.Store(int64(len(p.entries)))
	p.complete.Store(file.Complete)
}

// sweptAll notes that the list is complete, whatever file there was.
func (p *parkedStreams) sweptAll() error {
	if p.complete.Swap(true) {
		return nil
	}
	p.unsaved.Store(true)
	return p.save()
}

// save writes the list, if it has changed since it was last written.
func (p *parkedStreams) save() error {
	if !p.unsaved.Load() || p.path == "" && p.store == nil {
		return nil
	}
	p.saving.Lock()
	defer p.saving.Unlock()
	if p.forgotten.Load() || !p.unsaved.Swap(false) {
		return nil
	}
	write := p.write
	if p.store != nil {
		write = p.saveChanged
	}
	if err := write(); err != nil {
		p.unsaved.Store(true)
		return fmt.Errorf("write the list of parked streams: %w", err)
	}
	return nil
}

func (p *parkedStreams) write() error {
	raw, err := p.encode()
	if err != nil {
		return err
	}
	return replaceFile(p.path, raw)
}

func (p *parkedStreams) encode() ([]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	file := parkedFile{Complete: p.complete.Load(), Parked: slices.Collect(maps.Values(p.entries))}
	slices.SortFunc(file.Parked, func(a, b *parkedEntry) int { return strings.Compare(string(a.Stream), string(b.Stream)) })
	return json.MarshalIndent(file, "", "\t")
}

// replaceFile puts a file in the place of another, durably: written beside it,
// synced, renamed, and the directory synced.
func replaceFile(path string, content []byte) error {
	directory := filepath.Dir(path)
	file, err := os.CreateTemp(directory, filepath.Base(path)+"-*.tmp")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	_, err = file.Write(content)
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := os.Rename(file.Name(), path); err != nil {
		return err
	}
	parent, err := os.Open(directory)
	if err != nil {
		return err
	}
	return errors.Join(parent.Sync(), parent.Close())
}
