package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progressEvery is how often long work that nobody watches tells how far it is.
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

// meter shows how far long work is: as a bar on a terminal, as a line now and
// then elsewhere. It may be used concurrently.
type meter struct {
	to       io.Writer
	terminal bool

	mu    sync.Mutex
	stage string
	bar   *progressbar.ProgressBar
	began time.Time
	told  time.Time
	shown uint64
}

func newMeter(to io.Writer) *meter {
	file, is := to.(*os.File)
	return &meter{to: to, terminal: is && term.IsTerminal(int(file.Fd()))}
}

// show tells how much of a stage is done. Less than before is passed over.
func (m *meter) show(stage string, done, total uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if stage != m.stage {
		m.begin(stage, total)
	}
	if done < m.shown {
		return
	}
	m.shown = done
	if m.bar != nil {
		_ = m.bar.Set64(int64(done))
		return
	}
	if time.Since(m.told) >= progressEvery && total > 0 {
		m.told = time.Now()
		m.tell(done, total)
	}
}

func (m *meter) begin(stage string, total uint64) {
	m.finish()
	m.stage, m.began, m.told, m.shown = stage, time.Now(), time.Now(), 0
	if m.terminal {
		m.bar = progressbar.NewOptions64(int64(total),
			progressbar.OptionSetDescription(fmt.Sprintf("%-28s", stage)), progressbar.OptionSetWriter(m.to),
			progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionSetPredictTime(true),
			progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionOnCompletion(func() { _, _ = fmt.Fprintln(m.to) }))
	}
}

// tell writes a line: how much, how fast, how long still.
func (m *meter) tell(done, total uint64) {
	seconds := time.Since(m.began).Seconds()
	rate := float64(done) / max(seconds, 0.001)
	left := time.Duration(float64(total-min(done, total))/max(rate, 0.001)) * time.Second
	_, _ = fmt.Fprintf(m.to, "%s: %d of %d (%d%%), %.0f/s, %s left\n", m.stage, done, total, 100*done/total, rate, left.Round(time.Second))
}

// finish ends the last stage's bar.
func (m *meter) finish() {
	if m.bar != nil && !m.bar.IsFinished() {
		_ = m.bar.Exit()
		_, _ = fmt.Fprintln(m.to)
	}
	m.bar = nil
}
