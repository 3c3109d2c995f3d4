package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	querysync "github.com/seed5b6a70b4/identity/sync"
	"github.com/seed5b6a70b4/identity/sync/dynamolease"
)

// shardCount is how many shards of Kinesis the processes share out.
const shardCount = 4

// Shards move over to a process that is added and away from one that ends, and
// from one that is killed, while users are written; nothing is lost on the way.
func TestShardsMoveOver(t *testing.T) {
	w := newWorld(t, shardCount, "--feed", kinesisFeed, "--search", elasticSearch)
	relay := w.start(w.direct, "relay")
	p := w.start(w.direct, "serve", "--feed", noFeed, "--search", elasticSearch)
	syncer := func() *process {
		return w.start(w.direct, "sync", "--feed", kinesisFeed, "--search", elasticSearch)
	}
	first := syncer()
	w.held(map[*process]int{first: shardCount})
	writing := w.keepWriting(p, "Barbara", 1)

	second := syncer()
	w.held(map[*process]int{first: shardCount / 2, second: shardCount / 2})
	if err := first.signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	first.wait()
	w.held(map[*process]int{second: shardCount})

	third := syncer()
	w.held(map[*process]int{second: shardCount / 2, third: shardCount / 2})
	if err := second.signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := second.wait(); code != exitDone {
		t.Errorf("after SIGTERM it ends with %d", code)
	}
	w.givenBack(second)
	w.held(map[*process]int{third: shardCount})

	all := writing.end()
	w.foldIsShown(p, "Barbara", all)
	for _, each := range []*process{third, relay} {
		eventually(t, serversTime, "the lag is over", func() error { return w.caughtUp(each) })
	}
	if seen := third.metric(t, "identity_feed_records_total", kinesisGroup); seen == 0 {
		t.Error("the last process has read nothing")
	}
}

// held waits until processes hold so many shards of Kinesis each, and as large a
// part of the change feed.
func (w *world) held(want map[*process]int) {
	w.t.Helper()
	const ratio = querysync.DefaultChanges / shardCount
	took := eventually(w.t, serversTime, "the shards are shared out", func() error {
		for p, count := range want {
			streams, changes := p.metric(w.t, "identity_feed_leases_held", kinesisGroup), p.metric(w.t, "identity_feed_leases_held", searchGroup)
			if streams != float64(count) || changes != float64(count*ratio) {
				return fmt.Errorf("one of %d holds %v shards of Kinesis and %v of the change feed", len(want), streams, changes)
			}
		}
		return nil
	})
	w.t.Logf("the shards are shared out over %d after %v", len(want), took.Round(time.Millisecond))
}

var notGivenBack = regexp.MustCompile(`a shard was not given back.* shard=(\S+) .*deadline exceeded`)

// givenBack looks whether leases are owned by no more than one process, now: what
// another that has ended has not given back would be waited for until it expires. It
// tries that once.
func (w *world) givenBack(ended *process) {
	w.t.Helper()
	late := map[string]bool{} // could not be given back in time, as was said
	for _, said := range notGivenBack.FindAllStringSubmatch(ended.logged(), -1) {
		late[said[1]] = true
	}
	for _, group := range []string{kinesisGroup, searchGroup} {
		leases, err := dynamolease.New(w.tables, w.names.State, group).List(w.t.Context())
		if err != nil {
			w.t.Fatal(err)
		}
		owners := map[string]bool{}
		for _, lease := range leases {
			if lease.Owner != "" && !late[lease.Shard] {
				owners[lease.Owner] = true
			}
		}
		if len(owners) > 1 {
			w.t.Errorf("leases of %s are owned by %d processes, and one runs", group, len(owners))
		}
	}
}

// writers write on until they are ended.
type writers struct {
	stop  chan struct{}
	group sync.WaitGroup
	mu    sync.Mutex
	all   []*person
}

// keepWriting has so many writers create users, name some of them anew, which they
// read, and remove a few.
func (w *world) keepWriting(p *process, word string, count int) *writers {
	all := &writers{stop: make(chan struct{})}
	for range count {
		all.group.Go(func() { w.writeUntil(p, word, all) })
	}
	w.t.Cleanup(func() { all.end() })
	return all
}

func (w *world) writeUntil(p *process, word string, all *writers) {
	var mine []*person
	pace := time.NewTicker(100 * time.Millisecond) // or the servers would be busy with nothing else
	defer pace.Stop()
	for i := 0; ; i++ {
		select {
		case <-all.stop:
			return
		case <-pace.C:
		}
		if i%3 == 0 {
			who := newPerson(word)
			w.insistWrite(p, who, fmt.Sprintf("%s %d", word, i))
			mine = append(mine, who)
			all.mu.Lock()
			all.all = append(all.all, who)
			all.mu.Unlock()
			continue
		}
		if who := mine[(7*i)%len(mine)]; !who.gone {
			w.insistWrite(p, who, fmt.Sprintf("%s %d anew", word, i))
			w.force(p, who)
		}
		if who := mine[len(mine)/2]; i%20 == 19 && !who.gone {
			w.insistRemove(p, who)
		}
	}
}

// insist asks again while a process has not heard which views answer.
func insist(ask func() *reply) *reply { return repeated((*reply).unheard, ask) }

// insistWrite is mustWrite, which is made again.
func (w *world) insistWrite(p *process, who *person, name string) {
	w.t.Helper()
	w.written(insist(func() *reply { return w.write(p, who, name) }))
}

// insistRemove is remove, which is made again.
func (w *world) insistRemove(p *process, who *person) {
	w.t.Helper()
	w.removed(who, insist(func() *reply { return p.ask(w.t, http.MethodDelete, "/users/"+who.ID, nil) }))
}

// force demands what was written, so that the reader writes the row and leaves the
// notice to others.
func (w *world) force(p *process, who *person) {
	r := insist(func() *reply {
		return p.ask(w.t, http.MethodGet, "/users/"+who.ID, nil, "X-Consistency", who.token, "Prefer", patience)
	})
	if !holdsName(r, who) {
		w.t.Errorf("%+v is answered %d: %s", who, r.status, r.body)
	}
}

// end has the writers stop, and gives what they wrote.
func (ws *writers) end() []*person {
	ws.mu.Lock()
	select {
	case <-ws.stop:
	default:
		close(ws.stop)
	}
	ws.mu.Unlock()
	ws.group.Wait()
	return ws.all
}

// foldIsShown waits until every way to read shows what was written, and compares
// rows with what the streams themselves say.
func (w *world) foldIsShown(p *process, word string, all []*person) {
	w.t.Helper()
	w.t.Logf("%d users were written", len(all))
	list := eventually(w.t, serversTime, "the list shows all", func() error { return w.shownAs(p, "", all) })
	search := eventually(w.t, serversTime, "search shows all", func() error { return w.shownAs(p, "q="+word, all) })
	w.t.Logf("the list showed all after %v, search after another %v", list.Round(time.Millisecond), search.Round(time.Millisecond))
	var group errgroup.Group
	group.SetLimit(8)
	for _, who := range all {
		group.Go(func() error { return w.rowIsFold(p, who) })
	}
	if err := group.Wait(); err != nil {
		w.t.Error(err)
	}
}

// rowIsFold tells how the row of a user differs from its stream.
func (w *world) rowIsFold(p *process, who *person) error {
	r := p.ask(w.t, http.MethodGet, "/users/"+who.ID, nil, "X-Consistency", who.token, "Prefer", patience)
	if who.gone {
		if r.status != http.StatusNotFound {
			return fmt.Errorf("a removed user is answered %d: %s", r.status, r.body)
		}
		return nil
	}
	if !holdsName(r, who) {
		return fmt.Errorf("%+v is answered %d: %s", who, r.status, r.body)
	}
	var history struct{ Items []struct{ Seq int } }
	past := p.ask(w.t, http.MethodGet, "/users/"+who.ID+"/history?limit=500", nil)
	if err := json.Unmarshal(past.body, &history); err != nil || len(history.Items) == 0 {
		return fmt.Errorf("a history is answered %d: %s", past.status, past.body)
	}
	last := 0
	for _, item := range history.Items {
		last = max(last, item.Seq)
	}
	if folded := p.ask(w.t, http.MethodGet, fmt.Sprintf("/users/%s?seq=%d", who.ID, last), nil); string(folded.body) != string(r.body) {
		return fmt.Errorf("the row is %s, the fold %s", r.body, folded.body)
	}
	return nil
}
