package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/commitlines"
)

// load is writers of everything that can be written, and what they were told.
type load struct {
	t    *testing.T
	stop func()

	acknowledged atomic.Int64
	mu           sync.Mutex
	tokens       []string
	keys         []string
	// refused counts answers other than success by their codes.
	refused map[string]int
}

// underLoad has writers write to some services, in turns, each with a pause after each
// write, until stop. Servers of tests copy a few transactions a second.
func underLoad(t *testing.T, writers int, pause time.Duration, urls ...string) *load {
	t.Helper()
	l := &load{t: t, refused: map[string]int{}}
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	for n := range writers {
		w := &writer{load: l, url: urls[n%len(urls)], pause: pause}
		group.Go(func() {
			for ctx.Err() == nil {
				w.round()
			}
		})
	}
	l.stop = sync.OnceFunc(func() { cancel(); group.Wait() })
	t.Cleanup(l.stop)
	return l
}

// writer writes one thing after the other.
type writer struct {
	*load
	url   string
	pause time.Duration
}

// round makes two groups within each other and users within them, and takes some of
// it away again.
func (w *writer) round() {
	homer, marge, inner, outer := uuid.NewString(), uuid.NewString(), uuid.NewString(), uuid.NewString()
	for _, user := range []string{homer, marge} {
		w.send(http.MethodPost, "/users", `{"id":"`+user+`","username":"`+user+`","email":"`+user+`@example.org"}`)
	}
	for _, group := range []string{inner, outer} {
		w.send(http.MethodPost, "/groups", `{"id":"`+group+`","name":"`+group+`"}`)
	}
	w.send(http.MethodPatch, "/users/"+homer, `{"name":"Homer"}`)
	w.send(http.MethodPut, "/groups/"+outer+"/members/"+inner, "")
	w.send(http.MethodPost, "/groups/"+inner+"/members", `{"members":["`+homer+`","`+marge+`"]}`)
	w.send(http.MethodDelete, "/groups/"+inner+"/members/"+homer, "")
	w.send(http.MethodDelete, "/users/"+marge, "")
	w.send(http.MethodPost, "/keys", `{"label":"of the load","scopes":["read"]}`)
}

// send writes and notes what came of it.
func (w *writer) send(method, path, body string) {
	defer time.Sleep(w.pause)
	request, err := http.NewRequestWithContext(context.WithoutCancel(w.t.Context()), method, w.url+path, strings.NewReader(body))
	if err != nil {
		w.t.Error(err)
		return
	}
	request.Header.Set("Authorization", "Bearer "+cloudAdminKey)
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	answer, err := asking.Do(request)
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil {
		w.refused["no answer"]++
		return
	}
	defer func() { _ = answer.Body.Close() }()
	var said struct{ Code, Key string }
	_ = json.NewDecoder(answer.Body).Decode(&said)
	if answer.StatusCode >= http.StatusMultipleChoices {
		w.refused[said.Code]++
		return
	}
	w.acknowledged.Add(1)
	if token := answer.Header.Get("X-Consistency"); token != "" {
		w.tokens = append(w.tokens, token)
	}
	if said.Key != "" {
		w.keys = append(w.keys, said.Key)
	}
}

// positions are all that was acknowledged.
func (l *load) positions(epoch eventstream.Epoch) map[eventstream.Position]bool {
	l.t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	all := map[eventstream.Position]bool{}
	for _, text := range l.tokens {
		token, err := eventstream.DecodeToken(text, epoch)
		if err != nil {
			l.t.Fatal(err)
		}
		for _, position := range token {
			if position.Stream.Kind() != eventstream.LogKind {
				all[position] = true
			}
		}
	}
	return all
}

// everyCommit exports a running service, and gives each commit's hash.
func everyCommit(t *testing.T, url string) map[eventstream.Position]eventstream.Hash {
	t.Helper()
	name := filepath.Join(t.TempDir(), "commits.ndjson")
	mustRun(t, "export", "--url", url, "--out", name)
	return hashesIn(t, name)
}

// hashesIn gives the hash of each commit in an exported file.
func hashesIn(t *testing.T, name string) map[eventstream.Position]eventstream.Hash {
	t.Helper()
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	commits := map[eventstream.Position]eventstream.Hash{}
	for lines := commitlines.NewReader(file); ; {
		line, err := lines.Next()
		if err != nil {
			return commits
		}
		for i := range line.Transaction {
			commits[line.Transaction[i].Position()] = line.Transaction[i].Hash
		}
	}
}

// nothingLost demands that a new store has whatever the old one acknowledged, as the
// old one has it, and each stream of the new one, up to where the old one's ends, is
// the old one's.
func (l *load) nothingLost(epoch eventstream.Epoch, old, taken map[eventstream.Position]eventstream.Hash) {
	l.t.Helper()
	acknowledged := l.positions(epoch)
	for position := range acknowledged {
		switch hash, there := taken[position]; {
		case !there:
			l.t.Errorf("%v was acknowledged and is missing", position)
		case hash != old[position]:
			l.t.Errorf("%v is another commit than the old store has", position)
		}
	}
	for position, hash := range old {
		if copied, there := taken[position]; there && copied != hash {
			l.t.Errorf("%v is another commit", position)
		}
	}
	if l.refused["invalid"]+l.refused["internal"]+l.refused["malformed_body"] > 0 {
		l.t.Errorf("some writes cannot be: %v", l.refused)
	}
	if len(acknowledged) == 0 {
		l.t.Error("nothing was acknowledged")
	}
	l.t.Logf("%d commits acknowledged, %d in the old store, %d in the new one; refused: %v", len(acknowledged), len(old), len(taken), l.refused)
}

// taken gives what a store that has taken over tells of, once that is all that was
// acknowledged: on tables it tells of what was announced, a little later.
func (l *load) taken(epoch eventstream.Epoch, url string) (taken map[eventstream.Position]eventstream.Hash) {
	l.t.Helper()
	acknowledged := l.positions(epoch)
	eventually(l.t, serversTime, "the new store tells of all that was acknowledged", func() error {
		taken = everyCommit(l.t, url)
		for position := range acknowledged {
			if _, there := taken[position]; !there {
				return fmt.Errorf("%v was acknowledged and is missing", position)
			}
		}
		return nil
	})
	return taken
}

// epochOf asks a service which life it lives.
func epochOf(t *testing.T, url string) eventstream.Epoch {
	t.Helper()
	var standing struct{ Epoch string }
	if err := json.Unmarshal([]byte(ask(t, url+"/store", "", "").body), &standing); err != nil {
		t.Fatal(err)
	}
	epoch, err := eventstream.ParseEpoch(standing.Epoch)
	if err != nil {
		t.Fatal(err)
	}
	return epoch
}

// says asks for what must be answered with a status and a text. Servers of tests are
// slow: what is not available for now is asked for again.
func says(t *testing.T, url, token, body string, status int, text string) {
	t.Helper()
	eventually(t, serversTime, "an answer", func() error {
		got := ask(t, url, token, body)
		if got.status == status && strings.Contains(got.body, text) {
			return nil
		}
		err := fmt.Errorf("%s is answered %d %s, not %d %s", url, got.status, got.body, status, text)
		if got.status != http.StatusServiceUnavailable {
			t.Fatal(err)
		}
		return err
	})
}

// someone makes a user, as soon as that can be done, and gives its id and the token.
func someone(t *testing.T, url, name string) (id, token string) {
	t.Helper()
	id = uuid.NewString()
	eventually(t, serversTime, "a user is made", func() error {
		got := ask(t, url+"/users", "", `{"id":"`+id+`","username":"`+name+`"}`)
		if token = got.token; got.status >= http.StatusMultipleChoices {
			return fmt.Errorf("%d %s", got.status, got.body)
		}
		return nil
	})
	return id, token
}

// awaitNoLag waits until a replica's lag is over.
func awaitNoLag(t *testing.T, url string) {
	t.Helper()
	eventually(t, serversTime, "the replica catches up", func() error {
		var standing struct {
			Replica struct{ LagSeconds *float64 }
		}
		got := ask(t, url+"/store", "", "")
		if err := json.Unmarshal([]byte(got.body), &standing); err != nil || got.status != http.StatusOK || standing.Replica.LagSeconds == nil || *standing.Replica.LagSeconds != 0 {
			return fmt.Errorf("%d %s", got.status, got.body)
		}
		return nil
	})
}
