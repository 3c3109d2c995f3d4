package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	neturl "net/url"
	"reflect"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
)

// copyOf is what a follower has made of the pages that it was told: the state of each
// entity, by kind and id, and where it is. Together they are what it keeps on disk.
type copyOf struct {
	after string
	state map[string]json.RawMessage
}

// change is a line of a page.
type change struct {
	Kind    string          `json:"kind"`
	ID      string          `json:"id"`
	Removed bool            `json:"removed"`
	User    json.RawMessage `json:"user"`
	Group   json.RawMessage `json:"group"`
	Member  json.RawMessage `json:"member"`
}

// follow takes one page of any size, and tells how much came. A page that the follower
// dies with is taken, or not at all.
func (f *copyOf) follow(ctx context.Context, c *client, wait time.Duration) (int, error) {
	query := neturl.Values{"limit": {fmt.Sprint(1 + rand.N(40))}}
	if f.after != "" {
		query.Set("after", f.after)
	}
	if wait > 0 {
		query.Set("wait", fmt.Sprintf("%ds", int(wait.Seconds())))
	}
	var page struct {
		Items []change `json:"items"`
		Next  string   `json:"next"`
	}
	if _, err := c.do(ctx, http.MethodGet, "/changes?"+query.Encode(), nil, &page); err != nil {
		return 0, err
	}
	if rand.N(10) == 0 {
		return len(page.Items), nil // it dies before it has kept the page
	}
	for _, item := range page.Items {
		key := item.Kind + " " + item.ID
		switch {
		case item.Removed:
			delete(f.state, key)
		case item.Kind == "user":
			f.state[key] = item.User
		case item.Kind == "group":
			f.state[key] = item.Group
		default:
			f.state[key] = item.Member
		}
	}
	f.after = page.Next
	return len(page.Items), nil
}

// directoryOf is everything that the lists tell.
func directoryOf(t *testing.T, c *client) map[string]json.RawMessage {
	t.Helper()
	all := map[string]json.RawMessage{}
	list := func(path string, key func(json.RawMessage) string) {
		for cursor := ""; ; {
			var page struct {
				Items []json.RawMessage `json:"items"`
				Next  *string           `json:"next"`
			}
			if _, err := c.do(t.Context(), http.MethodGet, path+"?limit=500"+cursor, nil, &page); err != nil {
				t.Fatal(err)
			}
			for _, item := range page.Items {
				all[key(item)] = item
			}
			if page.Next == nil {
				return
			}
			cursor = "&cursor=" + neturl.QueryEscape(*page.Next)
		}
	}
	named := func(raw json.RawMessage, field string) string {
		var fields map[string]any
		if err := json.Unmarshal(raw, &fields); err != nil {
			t.Fatal(err)
		}
		text, _ := fields[field].(string)
		return text
	}
	list("/users", func(raw json.RawMessage) string { return "user " + named(raw, "id") })
	list("/groups", func(raw json.RawMessage) string { return "group " + named(raw, "id") })
	for key := range all {
		if len(key) < 6 || key[:6] != "group " {
			continue
		}
		list("/groups/"+key[6:]+"/members", func(raw json.RawMessage) string {
			return "member " + named(raw, "groupId") + "/" + named(raw, "memberId")
		})
	}
	return all
}

// crowd are those who change the directory, whatever becomes of their requests.
type crowd struct {
	mu            sync.Mutex
	users, groups []string
	done          atomic.Int64
}

func (w *crowd) pick(from *[]string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(*from) == 0 {
		return uuid.NewString()
	}
	return (*from)[rand.N(len(*from))]
}

// act does something by chance.
func (w *crowd) act(ctx context.Context, c *client) error {
	made := func(list *[]string, path string, body map[string]any) error {
		body["id"] = uuid.Must(uuid.NewV7()).String()
		_, err := c.do(ctx, http.MethodPost, path, body, nil)
		if err == nil {
			w.mu.Lock()
			*list = append(*list, body["id"].(string))
			w.mu.Unlock()
		}
		return err
	}
	var err error
	switch n := rand.N(20); {
	case n < 5:
		err = made(&w.users, "/users", map[string]any{"username": uuid.NewString()})
	case n < 7:
		err = made(&w.groups, "/groups", map[string]any{"name": uuid.NewString()})
	case n < 10:
		_, err = c.do(ctx, http.MethodPatch, "/users/"+w.pick(&w.users), map[string]any{"name": uuid.NewString()}, nil)
	case n < 16:
		member := w.pick(&w.users)
		if n == 15 {
			member = w.pick(&w.groups)
		}
		_, err = c.do(ctx, http.MethodPut, "/groups/"+w.pick(&w.groups)+"/members/"+member, nil, nil)
	case n < 18:
		_, err = c.do(ctx, http.MethodDelete, "/groups/"+w.pick(&w.groups)+"/members/"+w.pick(&w.users), nil, nil)
	case n < 19:
		_, err = c.do(ctx, http.MethodDelete, "/users/"+w.pick(&w.users), nil, nil)
	default:
		_, err = c.do(ctx, http.MethodDelete, "/groups/"+w.pick(&w.groups), nil, nil)
	}
	var refused *problem
	if err == nil || errors.As(err, &refused) && refused.Status < 500 {
		w.done.Add(1)
		return nil
	}
	return err
}

// A follower that keeps what it is told, page by page and of whatever size, has what
// the directory has once nothing more comes: however many write meanwhile, whatever
// they remove, and wherever the service is killed and the follower begins again.
func TestFollowersOfAServiceThatIsKilled(t *testing.T) {
	dir := t.TempDir()
	followers := []*copyOf{{state: map[string]json.RawMessage{}}, {state: map[string]json.RawMessage{}}}
	var writing crowd
	for range 4 {
		p := mustStart(t, dir, "--no-access-log")
		c := clientOf(t, dir)
		before := writing.done.Load()
		var group sync.WaitGroup
		for range 4 {
			group.Go(func() {
				for writing.act(context.Background(), c) == nil {
				}
			})
		}
		group.Go(func() {
			for {
				if _, err := followers[0].follow(context.Background(), c, time.Second); err != nil {
					return
				}
			}
		})
		for writing.done.Load() < before+300 {
			if _, err := followers[1].follow(t.Context(), c, 0); err != nil {
				t.Fatal(err)
			}
		}
		if err := p.signal(syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		p.wait()
		group.Wait()
	}
	mustStart(t, dir, "--no-access-log")
	c := clientOf(t, dir)
	want := directoryOf(t, c)
	late := &copyOf{state: map[string]json.RawMessage{}}
	for i, f := range append(followers, late) {
		for quiet := 0; quiet < 3; {
			came, err := f.follow(t.Context(), c, 0)
			if err != nil {
				t.Fatal(err)
			}
			if quiet++; came > 0 {
				quiet = 0
			}
		}
		if len(want) == 0 || !reflect.DeepEqual(texts(f.state), texts(want)) {
			t.Errorf("follower %d has %d things, the directory %d:\n%s", i, len(f.state), len(want), firstDifference(f.state, want))
		}
	}
}

func texts(all map[string]json.RawMessage) map[string]string {
	made := make(map[string]string, len(all))
	for key, raw := range all {
		made[key] = string(raw)
	}
	return made
}

func firstDifference(got, want map[string]json.RawMessage) string {
	for key, raw := range want {
		if string(got[key]) != string(raw) {
			return fmt.Sprintf("%s: follower %s, directory %s", key, got[key], raw)
		}
	}
	for key, raw := range got {
		if want[key] == nil {
			return fmt.Sprintf("%s: follower %s, directory none", key, raw)
		}
	}
	return ""
}
