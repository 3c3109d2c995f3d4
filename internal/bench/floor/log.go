package main

import (
	"github.com/hashicorp/raft"
	wal "github.com/hashicorp/raft-wal"
)

// groupLog is raft-wal with one writer, which takes whatever queued during the
// last fsync.
type groupLog struct{ queue chan pending }

type pending struct {
	entry []byte
	done  chan error
}

const batchLimit = 512

func openGroupLog(dir string) (*groupLog, error) {
	opened, err := wal.Open(dir)
	if err != nil {
		return nil, err
	}
	last, err := opened.LastIndex()
	if err != nil {
		return nil, err
	}
	l := &groupLog{queue: make(chan pending, batchLimit)}
	go l.write(opened, last)
	return l, nil
}

func (l *groupLog) append(entry []byte) error {
	p := pending{entry, make(chan error, 1)}
	l.queue <- p
	return <-p.done
}

// write lives as long as the process.
func (l *groupLog) write(to *wal.WAL, last uint64) {
	for first := range l.queue {
		batch := []pending{first}
		for len(batch) < batchLimit && len(l.queue) > 0 {
			batch = append(batch, <-l.queue)
		}
		logs := make([]*raft.Log, len(batch))
		for i, p := range batch {
			last++
			logs[i] = &raft.Log{Index: last, Data: p.entry}
		}
		err := to.StoreLogs(logs)
		for _, p := range batch {
			p.done <- err
		}
	}
}
