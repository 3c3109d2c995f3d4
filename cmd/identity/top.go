package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
)

// topCommand shows how a running service does, until it is ended.
type topCommand struct {
	dataFlags `embed:""`
	URL       string        `name:"url" env:"IDENTITY_URL" placeholder:"URL" help:"The running service; by default the one that holds the data directory."`
	Interval  time.Duration `default:"2s" placeholder:"TIME" help:"How often to look; default 2s."`
	Count     int           `default:"0" placeholder:"N" help:"End after so many looks; 0, the default, goes on until q or ctrl-C."`
}

// Run looks again and again. A service that goes away is looked for until it is
// there again.
func (t *topCommand) Run(c *console) error {
	switch {
	case t.Interval < 100*time.Millisecond:
		return misused("--interval: %s is less than 100ms", t.Interval)
	case t.Count < 0:
		return misused("--count: %d is less than nothing", t.Count)
	}
	if err := t.check(); err != nil {
		return err
	}
	if t.URL == "" {
		if err := t.existing(); err != nil {
			return err
		}
	}
	ctx, end := context.WithCancel(c.ctx)
	defer end()
	screen, restore := openScreen(c.out, end)
	defer restore()
	look := &looker{flags: t}
	defer look.close()
	ticker := time.NewTicker(t.Interval)
	defer ticker.Stop()
	answered := false
	for looks := 1; ; looks++ {
		taken := look.now(ctx)
		answered = answered || taken.err == nil
		if errors.As(taken.err, new(*usageError)) {
			return taken.err
		}
		if ctx.Err() != nil {
			return nil
		}
		if err := screen.show(taken); err != nil {
			return err
		}
		if t.Count > 0 && looks >= t.Count {
			if !answered {
				return fmt.Errorf("no look was answered: %w", taken.err)
			}
			return nil
		}
		select {
		case <-ctx.Done():
			return nil // which is how it is ended
		case <-ticker.C:
		}
	}
}

// looker asks a service how it does.
type looker struct {
	flags  *topCommand
	client *client
	before *look
}

// look is what a service said at an instant.
type look struct {
	at      time.Time
	metrics measured
	ready   readyAnswer
	// err says why it said nothing.
	err error
	// since is what it said before; nil after a break.
	since *look
	url   string
}

// readyAnswer is what /readyz tells.
type readyAnswer struct {
	Status string `json:"status"`
	Reason string `json:"reason"`
	Views  []struct {
		Name       string   `json:"name"`
		Position   uint64   `json:"position"`
		Behind     uint64   `json:"behind"`
		LagSeconds *float64 `json:"lagSeconds"`
		Failing    string   `json:"failing"`
		Parked     int      `json:"parked"`
	} `json:"views"`
	Store *struct {
		Position  uint64 `json:"position"`
		Writable  bool   `json:"writable"`
		Reason    string `json:"reason"`
		Damage    string `json:"damage"`
		FreeBytes uint64 `json:"freeBytes"`
	} `json:"store"`
}

// now looks. A client that could not be made, or that fails, is made anew the next
// time: the service may be elsewhere by then.
func (l *looker) now(ctx context.Context) *look {
	taken := &look{at: time.Now(), since: l.before}
	if l.client == nil {
		l.client, taken.err = l.dial()
	}
	if taken.err == nil {
		taken.url = l.client.url
		ctx, cancel := context.WithTimeout(ctx, max(l.flags.Interval, time.Second))
		defer cancel()
		taken.err = errors.Join(l.client.ready(ctx, &taken.ready), l.client.measure(ctx, taken))
	}
	if taken.err != nil {
		l.close()
		l.before, taken.since = nil, nil
		return taken
	}
	l.before = &look{at: taken.at, metrics: taken.metrics}
	return taken
}

func (l *looker) close() {
	if l.client != nil {
		_ = l.client.close()
		l.client = nil
	}
}

func (l *looker) dial() (*client, error) {
	f := remoteFlags{dataFlags: l.flags.dataFlags, URL: l.flags.URL}
	to := announcement{URL: f.URL}
	if f.URL == "" {
		data := dataDirectory{f.Data}
		if _, err := os.Stat(data.file(addressFile)); errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("no serve that is ready has %s", f.Data)
		}
		var err error
		if to, err = data.announced(); err != nil {
			return nil, err
		}
	}
	c, err := f.dial(to)
	if err != nil && f.URL != "" {
		return dialWith(to, "") // which is enough on loopback
	}
	return c, err
}

// ready asks /readyz, which answers 503 with the same when it is not.
func (c *client) ready(ctx context.Context, into *readyAnswer) error {
	answer, err := c.fetch(ctx, "/readyz")
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK && answer.StatusCode != http.StatusServiceUnavailable {
		return fmt.Errorf("/readyz answers %d", answer.StatusCode)
	}
	if err := json.NewDecoder(io.LimitReader(answer.Body, 1<<20)).Decode(into); err != nil {
		return fmt.Errorf("read /readyz: %w", err)
	}
	return nil
}

func (c *client) measure(ctx context.Context, into *look) error {
	answer, err := c.fetch(ctx, "/metrics")
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode == http.StatusUnauthorized && c.unknown != "" {
		return fmt.Errorf("/metrics answers 401; %s", c.unknown)
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("/metrics answers %d", answer.StatusCode)
	}
	into.metrics, err = readMetrics(answer.Body)
	return err
}

// fetch asks for something that needs no key, or any.
func (c *client) fetch(ctx context.Context, path string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url+path, nil)
	if err != nil {
		return nil, err
	}
	if c.key != "" {
		request.Header.Set("Authorization", "Bearer "+c.key)
	}
	return c.http.Do(request)
}

// screen is where looks are shown: in place on a terminal, a line each elsewhere.
type screen struct {
	out      io.Writer
	terminal *os.File
	drawn    bool
}

// openScreen makes the screen; q and ctrl-C on a terminal call end. restore leaves
// the terminal as it was.
func openScreen(out io.Writer, end func()) (s *screen, restore func()) {
	s = &screen{out: out}
	file, is := out.(*os.File)
	if !is || !term.IsTerminal(int(file.Fd())) {
		return s, func() {}
	}
	s.terminal = file
	const hide, show = "\x1b[?25l", "\x1b[?25h"
	_, _ = io.WriteString(out, hide)
	in := int(os.Stdin.Fd())
	state, err := term.MakeRaw(in)
	if err == nil {
		go readKeys(os.Stdin, end) // ends with the process: reading a terminal cannot be cut off
	}
	return s, func() {
		if err == nil {
			_ = term.Restore(in, state)
		}
		_, _ = io.WriteString(out, show)
	}
}

func readKeys(from io.Reader, end func()) {
	const interrupt, endOfText = 3, 4
	var key [1]byte
	for {
		if n, err := from.Read(key[:]); err != nil || n == 1 && (key[0] == 'q' || key[0] == 'Q' || key[0] == interrupt || key[0] == endOfText) {
			end()
			return
		}
	}
}

// show draws a look over the one before, or writes it on a line.
func (s *screen) show(l *look) error {
	if s.terminal == nil {
		_, err := fmt.Fprintln(s.out, l.line())
		return err
	}
	width, height, err := term.GetSize(int(s.terminal.Fd()))
	if err != nil || width <= 0 || height <= 0 {
		width, height = 80, 24
	}
	const home, clear, clearLine, clearBelow = "\x1b[H", "\x1b[2J", "\x1b[K", "\x1b[J"
	var text strings.Builder
	if text.WriteString(home); !s.drawn {
		text.WriteString(clear + home)
	}
	s.drawn = true
	lines := l.lines()
	for i, line := range lines[:min(len(lines), height-1)] {
		if i > 0 {
			text.WriteString("\r\n")
		}
		if shown := []rune(line); len(shown) > width {
			line = string(shown[:width])
		}
		text.WriteString(line + clearLine)
	}
	text.WriteString("\r\n" + clearBelow)
	_, err = io.WriteString(s.out, text.String())
	return err
}
