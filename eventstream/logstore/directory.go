package logstore

import (
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/seed5b6a70b4/identity/eventstream/logstore/internal/vfs"
)

// directory is what the log's directory holds, by its names and headers; frames
// have not been looked at.
type directory struct {
	fs       vfs.FS
	readOnly bool
	options  *Options
	names    []string // of segments, in order
	derived  []string // snapshots of the heads
	marked   bool

	segments *segments
	mark     *mark // nil if TrustLog makes do without
}

// openDirectory opens the files of a log, or makes an empty one.
func openDirectory(fs vfs.FS, options *Options, readOnly bool) (*directory, error) {
	d := &directory{fs: fs, readOnly: readOnly, options: options, segments: &segments{fs: fs}}
	err := d.list()
	if err == nil {
		err = d.openMark()
	}
	if err == nil {
		err = d.openSegments()
	}
	if err == nil && len(d.segments.all) == 0 {
		err = d.begin()
	}
	if err != nil {
		return nil, errors.Join(err, d.close())
	}
	return d, nil
}

func (d *directory) close() error {
	err := d.segments.close()
	if d.mark != nil {
		err = errors.Join(err, d.mark.file.Close())
	}
	return err
}

func (d *directory) list() error {
	names, err := d.fs.List()
	if err != nil {
		return err
	}
	for _, name := range names {
		switch {
		case isSegmentName(name):
			d.names = append(d.names, name)
		case name == markName:
			d.marked = true
		case unfinished(name):
			if d.readOnly {
				continue
			}
			if err := d.fs.Remove(name); err != nil {
				return err
			}
		case strings.HasPrefix(name, snapshotName+"-"):
			d.derived = append(d.derived, name)
		}
	}
	slices.Sort(d.names)
	return nil
}

// unfinished tells whether the file was being made when the process ended.
func unfinished(name string) bool {
	return name == newSegment || name == newMark || strings.HasPrefix(name, snapshotName+"-") && strings.HasSuffix(name, ".tmp")
}

func (d *directory) open(name string) (vfs.File, error) {
	if d.readOnly {
		return d.fs.OpenReadOnly(name)
	}
	return d.fs.Open(name)
}

// openMark opens the mark. Without one there must be nothing else.
func (d *directory) openMark() error {
	if !d.marked {
		if len(d.names) == 0 && len(d.derived) == 0 || len(d.names) > 0 && d.trust("is missing") {
			return nil
		}
		return &CorruptError{File: markName, Reason: "the file is missing: what was acknowledged cannot be told"}
	}
	file, err := d.open(markName)
	if err != nil {
		return err
	}
	warn := func(reason string) { d.options.Logger.Warn("log mark", "file", markName, "reason", reason) }
	mark, err := openMark(file, warn)
	if err != nil {
		if closing := file.Close(); closing != nil || len(d.names) == 0 || !d.trust(err.Error()) {
			return errors.Join(err, closing)
		}
		return nil
	}
	d.mark = mark
	return nil
}

// trust tells whether the operator wants the log to be opened in spite of its
// mark.
func (d *directory) trust(reason string) bool {
	if d.options.TrustLog {
		d.options.Logger.Warn("log mark is not usable, the log is trusted as it is", "file", markName, "reason", reason)
	}
	return d.options.TrustLog
}

func (d *directory) openSegments() error {
	for i, name := range d.names {
		file, err := d.open(name)
		if err != nil {
			return err
		}
		opened, err := openSegment(file, name)
		if err != nil {
			return errors.Join(err, file.Close())
		}
		d.segments.all = append(d.segments.all, opened)
		if err := d.check(i); err != nil {
			return err
		}
	}
	if len(d.names) == 0 && d.mark != nil && d.mark.position > 0 {
		return &CorruptError{File: segmentName(1), Position: 1, Reason: "the file is missing"}
	}
	return nil
}

func openSegment(file vfs.File, name string) (*segment, error) {
	header := make([]byte, segmentHeader)
	if n, err := file.ReadAt(header, 0); n < len(header) {
		return nil, &CorruptError{File: name, Reason: fmt.Sprintf("segment header cannot be read: %v", err)}
	}
	var info segmentInfo
	if err := info.decode(header); err != nil {
		return nil, &CorruptError{File: name, Reason: err.Error()}
	}
	return newSegmentOf(info, name, file), nil
}

// check compares the header of segment i with those before it.
func (d *directory) check(i int) error {
	this := d.segments.all[i]
	id := this.id
	if d.mark != nil {
		id = d.mark.id
	}
	before := segmentInfo{id: id, first: 0}
	var size int64
	if i > 0 {
		before = d.segments.all[i-1].segmentInfo
		var err error
		if size, err = d.segments.all[i-1].file.Size(); err != nil {
			return err
		}
	}
	switch {
	case this.id != before.id:
		return this.corrupt(16, this.first, "segment of another log")
	case this.number != before.number+1:
		return this.corrupt(12, this.first, fmt.Sprintf("segment %d is missing before segment %d", before.number+1, this.number))
	case this.name != segmentName(this.first) || this.first <= before.first:
		return this.corrupt(32, this.first, "segment has the name of another")
	case i == 0 && this.first != 1:
		return this.corrupt(32, this.first, "the log does not begin at position 1")
	case i > 0 && size < this.before:
		return d.segments.all[i-1].corrupt(size, 0, "the file is shorter than what was written to it")
	}
	return nil
}

// begin makes an empty log: the mark first, so that segments without one show
// that it was lost.
func (d *directory) begin() error {
	if d.readOnly {
		return &CorruptError{File: segmentName(1), Position: 1, Reason: "there is no log"}
	}
	if d.mark == nil {
		var id storeID
		rand.Read(id[:])
		mark, err := createMark(d.fs, id, 0)
		if err != nil {
			return fmt.Errorf("create mark: %w", err)
		}
		d.mark = mark
	}
	start := place{signpost: signpost{next: 1, latest: noTime}}
	if _, err := d.segments.create(d.mark.id, start, d.options.SegmentSize); err != nil {
		return fmt.Errorf("create segment: %w", err)
	}
	return nil
}
