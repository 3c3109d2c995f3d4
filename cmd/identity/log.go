package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"sync"
	"time"
)

const (
	// lineFlushEvery is how long a line of the access log may wait.
	lineFlushEvery = 250 * time.Millisecond
	lineBuffer     = 64 << 10
)

// lines collects whole lines, so that a line of the access log does not cost a
// write, and lines of two logs do not mix.
type lines struct {
	mu     sync.Mutex
	to     io.Writer
	buffer bytes.Buffer
}

// Write takes one line, or more.
func (l *lines) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.buffer.Write(line)
	if l.buffer.Len() >= lineBuffer {
		return len(line), l.flush()
	}
	return len(line), nil
}

// flush writes what was collected; what cannot be written is lost, so that it
// does not pile up.
func (l *lines) flush() error {
	defer l.buffer.Reset()
	_, err := l.buffer.WriteTo(l.to)
	return err
}

// Flush writes what was collected.
func (l *lines) Flush() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.flush()
}

// run flushes regularly, and once more when ctx ends.
func (l *lines) run(ctx context.Context) error {
	ticker := time.NewTicker(lineFlushEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			// A log that cannot be written must not end the service.
			_ = l.Flush()
		case <-ctx.Done():
			_ = l.Flush()
			return nil
		}
	}
}

// flushing writes each line at once.
type flushing struct{ *lines }

func (f flushing) Write(line []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.buffer.Write(line)
	return len(line), f.flush()
}

// newLogs makes the service's log, written at once, and the access log.
func newLogs(to io.Writer, format string) (*lines, *slog.Logger, *accessLog) {
	l := &lines{to: to}
	if format == "json" {
		return l, slog.New(slog.NewJSONHandler(flushing{l}, nil)), newAccessLog(l, format)
	}
	return l, slog.New(slog.NewTextHandler(flushing{l}, nil)), newAccessLog(l, format)
}
