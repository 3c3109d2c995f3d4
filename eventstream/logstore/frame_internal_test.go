package logstore

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/seed5b6a70b4/identity/eventstream/logstore/internal/memfs"
)

// frames writes frames of one entry each into a segment.
func frames(t testing.TB, payloads ...string) (*memfs.FS, *segment) {
	t.Helper()
	fs := memfs.New()
	file, err := fs.Create("segment")
	if err != nil {
		t.Fatal(err)
	}
	s := newSegmentOf(segmentInfo{number: 1, id: storeID{1}, first: 1}, "segment", file)
	at := int64(segmentHeader)
	for i, payload := range payloads {
		buffer := append(beginEntry(beginFrame(nil)), payload...)
		buffer = s.endEntry(buffer, frameHeader, at, uint64(i+1))
		s.endFrame(buffer, at, uint64(i+1), 1)
		if _, err := file.WriteAt(buffer, at); err != nil {
			t.Fatal(err)
		}
		at += int64(len(buffer))
	}
	return fs, s
}

func TestFramesAreReadAsTheyWereWritten(t *testing.T) {
	payloads := []string{"one", string(make([]byte, 2*readAhead)), "", "eight by"}
	_, s := frames(t, payloads...)
	size, _ := s.file.Size()
	reader := frameReader{}
	reader.reset(s, segmentHeader, size)
	for i, want := range payloads {
		read, err := reader.next()
		if err != nil || read.first != uint64(i+1) {
			t.Fatalf("frame %d is of position %d: %v", i+1, read.first, err)
		}
		for each, err := range read.entries() {
			if err == nil {
				err = each.checkSum()
			}
			if err != nil || string(each.payload) != want || each.position != uint64(i+1) {
				t.Fatalf("entry %d: position %d, %d bytes: %v", i+1, each.position, len(each.payload), err)
			}
		}
	}
	if _, err := reader.next(); !errors.Is(err, io.EOF) {
		t.Errorf("after the last: %v", err)
	}
}

// FuzzFrame feeds segments that were damaged: what is read from them is what was
// written, or nothing.
func FuzzFrame(f *testing.F) {
	_, s := frames(f, "first", "second")
	size, _ := s.file.Size()
	good := make([]byte, size)
	s.file.ReadAt(good, 0)
	f.Add(good[segmentHeader:])
	f.Add([]byte("idfr\x00\x00\x00\x20"))
	f.Fuzz(func(t *testing.T, data []byte) {
		fs := memfs.New()
		fs.WriteFile("segment", append(make([]byte, segmentHeader), data...))
		file, _ := fs.Open("segment")
		damaged := newSegmentOf(s.segmentInfo, "segment", file)
		reader := frameReader{}
		reader.reset(damaged, segmentHeader, int64(segmentHeader+len(data)))
		for {
			at := reader.at
			read, err := reader.next()
			if err != nil {
				return
			}
			end := reader.at
			if end > size || !bytes.Equal(data[at-segmentHeader:end-segmentHeader], good[at:end]) {
				t.Fatalf("a frame at %d is not one that was written", at)
			}
			for each, err := range read.entries() {
				if err != nil || each.checkSum() != nil {
					t.Fatalf("entry of a whole frame: %v", err)
				}
			}
		}
	})
}
