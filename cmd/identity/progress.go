package main

import (
	"log/slog"
	"time"
)

// progressEvery is how often long work tells how far it is.
const progressEvery = 5 * time.Second

// logProgress tells of long work now and then; short work it does not mention.
func logProgress(log *slog.Logger, what string) func(done, total uint64) {
	began, last := time.Now(), time.Now()
	return func(done, total uint64) {
		if time.Since(last) < progressEvery || total == 0 {
			return
		}
		last = time.Now()
		log.Info(what, "done", done, "of", total, "percent", 100*done/total, "seconds", int(time.Since(began).Seconds()))
	}
}
