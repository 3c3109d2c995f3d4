package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/internal/testproxy"
	"github.com/seed5b6a70b4/identity/queries/dynamoview"
)

// answerTime is within what everything is answered while DynamoDB is away: what a
// request may take, and some more for a machine that is slow.
const answerTime = 24 * time.Second

// While DynamoDB is away everything is answered 503 in time, and the process is
// alive. Afterwards it goes on by itself, and every write that was refused is
// there wholly or not at all; made again, it is there once.
func TestDynamoDBAway(t *testing.T) {
	w := newWorld(t, 0)
	p := w.start(w.behind, "serve")
	before := newPerson("Edsger")
	w.mustWrite(p, before, "Edsger before")
	all := []*person{before}
	eventually(t, serversTime, "it is shown before", func() error { return w.shownAs(p, "", all) })
	for i, away := range []struct {
		name       string
		begin, end func(*testproxy.Proxy)
	}{
		{"refuses connections", (*testproxy.Proxy).Down, (*testproxy.Proxy).Up},
		{"does not answer", spoil(testproxy.Silent()), spoil()},
		{"resets connections", spoil(testproxy.Reset()), spoil()},
		{"acts and is cut off", spoil(testproxy.NoReplies()), spoil()},
		{"is cut before it has read", spoil(testproxy.NoRequests()), spoil()},
	} {
		began, name := time.Now(), fmt.Sprintf("Edsger %d", i)
		away.begin(w.dynamodb)
		refused := w.askEverything(p, before, name)
		away.end(w.dynamodb)
		t.Logf("it %s: everything was answered within %v", away.name, time.Since(began))
		for _, one := range refused {
			all = append(all, w.again(p, one))
		}
		w.patchedOnce(p, before, name)
		took := eventually(t, serversTime, "it goes on by itself", func() error { return w.shownAs(p, "", all) })
		t.Logf("it %s: the view was there %v after the end", away.name, took)
		if t.Failed() {
			t.Fatalf("while it %s", away.name)
		}
	}
	eventually(t, serversTime, "the lag is over", func() error { return w.caughtUp(p) })
}

func spoil(faults ...testproxy.Fault) func(*testproxy.Proxy) {
	return func(p *testproxy.Proxy) { p.Set(1, faults...) }
}

// refusedWrite is the making of a user that was answered 503, with the header that
// makes it safe to repeat, if it brings no id.
type refusedWrite struct {
	body    map[string]string
	headers []string
	name    string
}

// askEverything sends one request of each kind, all at once.
func (w *world) askEverything(p *process, before *person, name string) []refusedWrite {
	w.t.Helper()
	withID, withKey := newPerson("edsger"), newPerson("edsger")
	writes := []refusedWrite{
		{map[string]string{"id": withID.ID, "username": withID.Username, "name": name}, nil, name},
		{map[string]string{"username": withKey.Username, "name": name}, []string{"Idempotency-Key", withKey.ID}, name},
	}
	var group sync.WaitGroup
	ask := func(method, path string, body any, headers ...string) {
		group.Go(func() {
			if fault := p.ask(w.t, method, path, body, headers...).refused(answerTime, "unavailable"); fault != "" {
				w.t.Errorf("%s %s is answered %s", method, path, fault)
			}
		})
	}
	for _, write := range writes {
		ask(http.MethodPost, "/users", write.body, write.headers...)
	}
	ask(http.MethodPatch, "/users/"+before.ID, map[string]string{"name": name})
	ask(http.MethodPut, "/groups/"+uuid.NewString()+"/members/"+before.ID, nil)
	ask(http.MethodDelete, "/users/"+uuid.NewString(), nil)
	for _, path := range []string{
		"/users/" + before.ID, "/users/" + uuid.NewString(), "/users?username=" + before.Username, "/users?username=nobody", "/users",
		"/users/" + before.ID + "/history", "/users/" + before.ID + "?seq=1", "/groups/" + uuid.NewString() + "/members", "/groups?name=none",
	} {
		ask(http.MethodGet, path, nil)
	}
	group.Go(func() { // which asks nothing of DynamoDB
		if r := p.ask(w.t, http.MethodGet, "/livez", nil); r.status != http.StatusOK || r.took >= awsCallTime {
			w.t.Errorf("/livez is answered %d after %v", r.status, r.took)
		}
	})
	group.Wait()
	return writes
}

// again repeats the making of a user until it is made, and tells who it is.
func (w *world) again(p *process, write refusedWrite) *person {
	w.t.Helper()
	before := w.found(p, write.body["username"])
	if before != nil && before.DisplayName != write.name {
		w.t.Errorf("a user is there by half: %+v", before)
	}
	var made person
	eventually(w.t, serversTime, "a user is made again", func() error {
		r := p.ask(w.t, http.MethodPost, "/users", write.body, write.headers...)
		if r.status != http.StatusCreated && r.status != http.StatusOK {
			return fmt.Errorf("%d: %s", r.status, r.body)
		}
		return json.Unmarshal(r.body, &made)
	})
	if after := w.found(p, write.body["username"]); after == nil || after.ID != made.ID || before != nil && before.ID != made.ID {
		w.t.Errorf("there was %v and there is %v where %s was made", before, after, made.ID)
	}
	return &made
}

// found looks a user up by name, as soon as that is answered.
func (w *world) found(p *process, username string) (found *person) {
	w.t.Helper()
	eventually(w.t, serversTime, "a user is looked up", func() error {
		r := p.ask(w.t, http.MethodGet, "/users?username="+username, nil)
		if r.status != http.StatusOK {
			return fmt.Errorf("%d: %s", r.status, r.body)
		}
		var page struct{ Items []*person }
		if err := json.Unmarshal(r.body, &page); err != nil || len(page.Items) == 0 {
			return err
		}
		found = page.Items[0]
		return nil
	})
	return found
}

// patchedOnce makes a refused change again, and looks whether it was made once.
func (w *world) patchedOnce(p *process, who *person, name string) {
	w.t.Helper()
	answered := func(r *reply) error {
		if r.status != http.StatusOK {
			return fmt.Errorf("%d: %s", r.status, r.body)
		}
		return nil
	}
	eventually(w.t, serversTime, "a change is made again", func() error { return answered(w.write(p, who, name)) })
	var r *reply
	eventually(w.t, serversTime, "the history is shown", func() error {
		r = p.ask(w.t, http.MethodGet, "/users/"+who.ID+"/history", nil, "X-Consistency", who.token)
		return answered(r)
	})
	if times := strings.Count(string(r.body), name); times != 1 {
		w.t.Errorf("a change is in the history %d times: %s", times, r.body)
	}
}

// Views that were lost are made by init, and show everything again, though the
// feed had been handled.
func TestLostViewsAreFilledAgain(t *testing.T) {
	w := newWorld(t, 0)
	p := w.start(w.behind, "serve")
	who := newPerson("Ada")
	w.mustWrite(p, who, "Ada")
	eventually(t, serversTime, "the list", func() error { return w.shownAs(p, "", []*person{who}) })
	eventually(t, serversTime, "the lag is over", func() error { return w.caughtUp(p) })
	if _, err := w.tables.DeleteTable(t.Context(), &dynamodb.DeleteTableInput{TableName: &w.names.Views}); err != nil {
		t.Fatal(err)
	}
	w.init()
	if err := w.shownAs(p, "", []*person{who}); err != nil {
		t.Error(err)
	}
	// The same, when init is killed after it has made the table.
	if _, err := w.tables.DeleteTable(t.Context(), &dynamodb.DeleteTableInput{TableName: &w.names.Views}); err != nil {
		t.Fatal(err)
	}
	if _, err := makeTable(t.Context(), w.tables, dynamoview.Table(w.names.Views)); err != nil {
		t.Fatal(err)
	}
	w.init()
	if err := w.shownAs(p, "", []*person{who}); err != nil {
		t.Error(err)
	}
}
