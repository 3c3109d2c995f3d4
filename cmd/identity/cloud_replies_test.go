package main

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/seed5b6a70b4/identity/internal/testproxy"
)

// Replies of DynamoDB that are lost after it acted double nothing: every write is
// there once, whether it was answered or refused, when it is made again.
func TestLostRepliesDoubleNothing(t *testing.T) {
	const rounds, users = 8, 12
	w := newWorld(t, 0)
	p := w.start(w.behind, "serve", "--no-access-log")
	var all []*person
	refused, acted := 0, 0
	for round := range rounds {
		var writes []refusedWrite
		for i := range users {
			who, name := newPerson("leslie"), fmt.Sprintf("Leslie %d-%d", round, i)
			write := refusedWrite{map[string]string{"username": who.Username, "name": name}, []string{"Idempotency-Key", who.ID}, name}
			if i%2 == 0 {
				write.body["id"], write.headers = who.ID, nil
			}
			writes = append(writes, write)
		}
		made := w.cutOff(p, writes)
		for i, write := range writes {
			before := w.found(p, write.body["username"])
			switch {
			case made[i] && before == nil:
				t.Errorf("%s was made and is not there", write.name)
			case !made[i] && before != nil:
				acted++
				fallthrough
			case !made[i]:
				refused++
			}
			again := w.again(p, write)
			all = append(all, again)
			r := p.ask(t, http.MethodGet, "/users/"+again.ID+"/history", nil)
			if commits := strings.Count(string(r.body), `"commandId"`); commits != 1 {
				t.Errorf("%s was made by %d commits: %d %s", write.name, commits, r.status, r.body)
			}
		}
		if acted > 0 {
			break
		}
	}
	t.Logf("of %d writes %d were refused, and %d of those were there", len(all), refused, acted)
	if acted == 0 {
		t.Error("no reply to a write was lost")
	}
	eventually(t, serversTime, "the list shows each once", func() error { return w.shownAs(p, "", all) })
}

// cutOff makes users all at once, and has all replies cut off from when the first
// of them is made. It tells which are.
func (w *world) cutOff(p *process, writes []refusedWrite) (made []bool) {
	w.t.Helper()
	made = make([]bool, len(writes))
	cut := sync.OnceFunc(func() { w.dynamodb.Set(1, testproxy.NoReplies()) })
	defer w.dynamodb.Set(1)
	var group sync.WaitGroup
	for i, write := range writes {
		group.Go(func() {
			r := p.ask(w.t, http.MethodPost, "/users", write.body, write.headers...)
			cut()
			made[i] = r.status == http.StatusCreated
			if fault := r.refused(answerTime, "unavailable"); !made[i] && fault != "" {
				w.t.Errorf("a write is answered %s", fault)
			}
		})
	}
	group.Wait()
	return made
}
