package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/seed5b6a70b4/identity/internal/bench/load"
)

// idleFollowers are how many follow at once, as their memory is measured.
const idleFollowers = 10_000

// follow measures those who follow the directory: how fast one is told everything,
// how soon one hears of a write, and what many cost who hear of nothing.
func (b *bench) follow(ctx context.Context, _, identity *process) error {
	if err := b.bootstrap(ctx, identity); err != nil {
		return fmt.Errorf("bootstrap: %w", err)
	}
	group, err := b.makeGroup(ctx, identity, nil)
	if err != nil {
		return err
	}
	from, err := positionOf(identity, group)
	if err != nil {
		return err
	}
	if err := b.hearing(ctx, identity, group, from); err != nil {
		return fmt.Errorf("a write reaches a follower: %w", err)
	}
	fmt.Fprintf(b.out, "\n%d followers who hear of nothing\n| answer | kB each, all there | kB each, after all heard of a write | that write reached all in |\n|---|---:|---:|---:|\n", idleFollowers)
	for _, kind := range []struct{ name, target, accept string }{
		{"events", "/changes?after=", "text/event-stream"},
		{"lines", "/changes?wait=60s&after=", "application/x-ndjson"},
		{"poll", "/changes?wait=60s&after=", "application/json"},
	} {
		if err := b.idle(ctx, kind.name, kind.target, kind.accept); err != nil {
			return fmt.Errorf("followers by %s: %w", kind.name, err)
		}
	}
	return nil
}

// bootstrap reads everything that there is over one connection.
func (b *bench) bootstrap(ctx context.Context, identity *process) error {
	before, most, begun := identity.rss(), int64(0), time.Now()
	lines, err := beginFollowing(ctx, identity, "/changes", "application/x-ndjson")
	if err != nil {
		return err
	}
	defer lines.conn.Close()
	items, chunk, tail := 0, make([]byte, 256<<10), ""
	for {
		n, err := lines.in.Read(chunk)
		tail = tail[max(0, len(tail)-8):] + string(chunk[max(0, n-8):n])
		items += bytes.Count(chunk[:n], []byte(`{"position"`)) // one that is cut in two counts as none
		if most = max(most, identity.rss()); strings.HasSuffix(tail, "\r\n0\r\n\r\n") || err != nil {
			break
		}
	}
	took := time.Since(begun)
	fmt.Fprintf(b.out, "\neverything, over one connection: %d items in %v, %.0f/s; memory grew by %d kB at most\n",
		items, took.Round(time.Millisecond), float64(items)/took.Seconds(), (most-before)>>10)
	return nil
}

// follower is an answer that goes on.
type follower struct {
	conn net.Conn
	in   *bufio.Reader
}

func beginFollowing(ctx context.Context, identity *process, target, accept string) (*follower, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", identity.address)
	if err != nil {
		return nil, err
	}
	_, err = fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer %s\r\nAccept: %s\r\nConnection: close\r\n\r\n", target, adminKey, accept)
	return &follower{conn, bufio.NewReaderSize(conn, 512)}, err
}

// until reads up to a line that holds the text.
func (f *follower) until(text string) error {
	for {
		line, err := f.in.ReadBytes('\n')
		if bytes.Contains(line, []byte(text)) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// positionOf is where somebody stands who was told all of a group.
func positionOf(identity *process, group string) (string, error) {
	conn, err := load.Dial(identity.address)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	response, err := conn.Do(get("/changes?limit=500&group=" + group))
	if err != nil {
		return "", err
	}
	var page struct{ Next string }
	return page.Next, json.Unmarshal(response.Body, &page)
}

func describe(identity *process, group, text string) error {
	conn, err := load.Dial(identity.address)
	if err != nil {
		return err
	}
	defer conn.Close()
	response, err := conn.Do(load.NewRequest("PATCH", "/groups/"+group, adminKey, fmt.Appendf(nil, `{"description":%q}`, text)))
	if err == nil && response.Status != 200 {
		err = fmt.Errorf("status %d: %s", response.Status, response.Body)
	}
	return err
}

// hearing measures the time from a write's request to the follower's event.
func (b *bench) hearing(ctx context.Context, identity *process, group, from string) error {
	f, err := beginFollowing(ctx, identity, "/changes?after="+from, "text/event-stream")
	if err != nil {
		return err
	}
	defer f.conn.Close()
	const writes = 1000
	took := make([]time.Duration, writes)
	for i := range took {
		text := fmt.Sprintf("write %d of them", i)
		begun := time.Now()
		if err := describe(identity, group, text); err != nil {
			return err
		}
		if err := f.until(text); err != nil {
			return err
		}
		took[i] = time.Since(begun)
	}
	slices.Sort(took)
	fmt.Fprintf(b.out, "\na write, from its request to the follower: p50 %v, p99 %v\n", took[writes/2], took[writes*99/100])
	return nil
}

// idle measures what many followers cost a service that has done nothing else: one
// that has, has memory to spare for them.
func (b *bench) idle(ctx context.Context, name, target, accept string) (err error) {
	data, err := os.MkdirTemp("", "identity-followed-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(data)
	identity, err := b.serve(ctx, data)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, identity.end(os.Kill)) }()
	group, err := b.makeGroup(ctx, identity, nil)
	if err != nil {
		return err
	}
	from, err := positionOf(identity, group)
	if err != nil {
		return err
	}
	before := identity.rss()
	followers := make([]*follower, 0, idleFollowers)
	defer func() {
		for _, f := range followers {
			f.conn.Close()
		}
	}()
	for range idleFollowers {
		f, err := beginFollowing(ctx, identity, target+from, accept)
		if err != nil {
			return err
		}
		followers = append(followers, f)
	}
	if err := allThere(identity); err != nil {
		return err
	}
	there := identity.rss()
	text, begun := "to all who follow by "+name, time.Now()
	if err := describe(identity, group, text); err != nil {
		return err
	}
	for _, f := range followers {
		if err := f.until(text); err != nil {
			return err
		}
	}
	reached := time.Since(begun)
	heard := identity.rss()
	each := func(now int64) float64 { return float64(now-before) / 1e3 / idleFollowers }
	fmt.Fprintf(b.out, "| %s | %.1f | %.1f | %v |\n", name, each(there), each(heard), reached.Round(time.Millisecond))
	return nil
}

// allThere waits until the server counts all followers.
func allThere(identity *process) error {
	conn, err := load.Dial(identity.address)
	if err != nil {
		return err
	}
	defer conn.Close()
	for range 3000 {
		response, err := conn.Do(get("/metrics"))
		if err != nil {
			return err
		}
		for line := range bytes.Lines(response.Body) {
			var many float64
			if rest, ok := bytes.CutPrefix(line, []byte("identity_changes_followers")); ok {
				if _, value, found := bytes.Cut(rest, []byte(" ")); found {
					if _, err := fmt.Sscan(string(value), &many); err == nil && many == idleFollowers {
						return nil
					}
				}
			}
		}
		time.Sleep(20 * time.Millisecond)
	}
	return errors.New("followers are missing")
}
