package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/dynamostore"
	"github.com/seed5b6a70b4/identity/httpapi"
	"github.com/seed5b6a70b4/identity/queries/dynamoview"
	querysync "github.com/seed5b6a70b4/identity/sync"
)

// views gives how the views are.
func (w *world) views(p *process) (g httpapi.Generations) {
	w.t.Helper()
	r := p.ask(w.t, http.MethodGet, "/views", nil)
	if err := json.Unmarshal(r.body, &g); err != nil || r.status != http.StatusOK {
		w.t.Fatalf("GET /views is answered %d: %s", r.status, r.body)
	}
	return g
}

// order posts to one of the routes of views.
func (w *world) order(p *process, path string, body any, want int) {
	w.t.Helper()
	if r := p.ask(w.t, http.MethodPost, path, body); r.status != want {
		w.t.Fatalf("POST %s is answered %d: %s", path, r.status, r.body)
	}
}

// rebuilt waits until the rebuild has ended, and well.
func (w *world) rebuilt(p *process) httpapi.Generations {
	w.t.Helper()
	var g httpapi.Generations
	eventually(w.t, serversTime, "the rebuild ends", func() error {
		if g = w.views(p); g.Rebuild == nil || g.Rebuild.State == httpapi.Running {
			return fmt.Errorf("%w: %+v", errNotYet, g.Rebuild)
		}
		return nil
	})
	if g.Rebuild.State != httpapi.Done {
		w.t.Fatalf("the rebuild: %+v", g.Rebuild)
	}
	return g
}

// standings names the generations of the views and how they stand.
func standings(g httpapi.Generations) string {
	var said []string
	for _, view := range g.Views {
		if view.View == httpapi.ClosureView {
			continue // of which there is one
		}
		for _, generation := range view.Generations {
			said = append(said, fmt.Sprintf("%s %d %s", view.View, generation.Number, generation.State))
		}
	}
	return strings.Join(said, ", ")
}

func (w *world) standing(p *process, want string) {
	w.t.Helper()
	if got := standings(w.views(p)); got != want {
		w.t.Errorf("the generations are %s, not %s", got, want)
	}
}

// Rows and index are built anew, under writes and reads with tokens, by processes of
// which one is killed on the way; generations are switched to and fro, and nobody
// who reads or follows the change feed misses anything.
func TestViewsAreBuiltAnewUnderWrites(t *testing.T) {
	w := newWorld(t, 0, "--search", elasticSearch)
	search := []string{"--search", elasticSearch}
	p := w.start(w.direct, append([]string{"serve", "--feed", noFeed}, search...)...)
	first := w.start(w.direct, append([]string{"sync"}, search...)...)
	writing := w.keepWriting(p, "Hedy", 2)
	eventually(t, serversTime, "something is written", func() error {
		writing.mu.Lock()
		defer writing.mu.Unlock()
		if len(writing.all) < 10 {
			return errNotYet
		}
		return nil
	})
	w.order(p, "/views:rebuild", map[string]any{"views": []string{"rows", "closure"}, "rate": 5000}, http.StatusAccepted)
	w.order(p, "/views:rebuild", map[string]any{"views": []string{"rows"}}, http.StatusConflict)
	eventually(t, serversTime, "a generation is on the roll", func() error {
		if !strings.Contains(standings(w.views(p)), "rows 2 building") {
			return errNotYet
		}
		return nil
	})
	if err := first.signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	first.wait()
	w.start(w.direct, append([]string{"sync"}, search...)...)
	g := w.rebuilt(p)
	if compared := g.Rebuild.Comparisons; len(compared) != 3 || compared[0].View != httpapi.ClosureView || compared[1].Compared == 0 || compared[2].Compared == 0 {
		t.Errorf("compared: %+v", g.Rebuild.Comparisons)
	}
	w.standing(p, "rows 2 answering, rows 1 kept, search 2 answering, search 1 kept")
	if at := p.metric(t, "identity_view_generation", `view="rows"`); at != 2 {
		t.Errorf("identity_view_generation is %v", at)
	}
	if running := p.metric(t, "identity_rebuild_running", ""); running != 0 {
		t.Errorf("identity_rebuild_running is %v", running)
	}
	for range 3 {
		w.order(p, "/views:back", nil, http.StatusOK)
		time.Sleep(500 * time.Millisecond) // reads and writes go on
	}
	w.standing(p, "rows 1 answering, rows 2 kept, search 1 answering, search 2 kept")
	w.order(p, "/views:back", nil, http.StatusOK)
	all := writing.end()
	w.foldIsShown(p, "Hedy", all)
	w.announced(all)
	w.generationsAre(all, 1, 2)
	w.verified("--search", elasticSearch)
	w.dropped(p)
	one := newPerson("Hedy")
	w.mustWrite(p, one, "Hedy anew")
	w.force(p, one)
	w.foldIsShown(p, "Hedy", append(slices.Clone(all), one))
	w.verified("--search", elasticSearch)
}

// dropped lets go of the first generation, and waits until its table is gone.
func (w *world) dropped(p *process) {
	w.t.Helper()
	w.order(p, "/views:drop", nil, http.StatusOK)
	w.standing(p, "rows 2 answering, search 2 answering")
	eventually(w.t, serversTime, "the table is gone", func() error {
		_, err := w.tables.DescribeTable(w.t.Context(), &dynamodb.DescribeTableInput{TableName: &w.names.Views})
		var none *types.ResourceNotFoundException
		if errors.As(err, &none) {
			return nil
		}
		return errNotYet
	})
}

// generationsAre waits until the rows of every generation say that everything was
// announced, and the change feed that it was.
func (w *world) generationsAre(all []*person, numbers ...int) {
	w.t.Helper()
	store := dynamostore.New(w.tables, w.names.Events, nil)
	defer store.Close()
	streams := eventstream.New(store, nil)
	eventually(w.t, serversTime, "everything was announced", func() error {
		told, err := w.told(streams)
		if err != nil {
			return err
		}
		for _, number := range numbers {
			if err := w.generationIs(streams, told, all, number); err != nil {
				return err
			}
		}
		return nil
	})
}

// told is how far the change feed tells of each stream.
func (w *world) told(streams *eventstream.Streams) (map[eventstream.StreamID]eventstream.Seq, error) {
	w.t.Helper()
	told := map[eventstream.StreamID]eventstream.Seq{}
	for _, changes := range querysync.NewChanges(streams, 0).Streams() {
		for commit, err := range streams.Read(w.t.Context(), changes, 0) {
			if err != nil {
				return nil, err
			}
			notices, err := querysync.DecodeNotices(&commit)
			if err != nil {
				w.t.Fatal(err)
			}
			for _, notice := range notices {
				told[notice.Stream] = max(told[notice.Stream], notice.Seq)
			}
		}
	}
	return told, nil
}

// generationIs tells how the rows of a generation differ from all that was written.
func (w *world) generationIs(streams *eventstream.Streams, told map[eventstream.StreamID]eventstream.Seq, all []*person, number int) error {
	w.t.Helper()
	view := dynamoview.New(w.tables, dynamoview.Options{Table: numbered(w.names.Views, number)})
	for _, who := range all {
		stream := eventstream.UserStream(uuid.MustParse(who.ID))
		head, err := streams.Head(w.t.Context(), stream)
		if err != nil {
			return err
		}
		seq, announced, untidy, err := view.Standing(w.t.Context(), stream)
		if err != nil || seq != head || announced != head || told[stream] != head || untidy {
			return fmt.Errorf("in generation %d, of a stream that is at %d the row shows %d, announced %d, told %d, untidy %t: %v", number, head, seq, announced, told[stream], untidy, err)
		}
	}
	return nil
}
