package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"github.com/seed5b6a70b4/identity/commands"
	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/httpapi"
	"github.com/seed5b6a70b4/identity/internal/testservers"
	"github.com/seed5b6a70b4/identity/queries"
)

// command runs a command over a world's tables, to its end or until ctx ends, when
// it is killed.
func (w *world) command(ctx context.Context, args ...string) (code int, out, errs string) {
	w.t.Helper()
	command := exec.CommandContext(ctx, os.Args[0], args...)
	command.Env = append(w.direct, beIdentity+"=1")
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	err := command.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) && ctx.Err() == nil { // one that ended well as ctx did has its error
		w.t.Fatal(err)
	}
	return command.ProcessState.ExitCode(), stdout.String(), stderr.String()
}

// The command builds over tables that nobody serves, is killed at any moment and
// run again, goes back, and lets go of what is kept, which leaves nothing. One that
// is killed when it had switched already builds another generation when it is run
// again.
func TestTheCommandBuildsOnTables(t *testing.T) {
	w := newWorld(t, 0)
	w.done("seed", "--users", "60", "--groups", "6")
	built := w.buildThroughKills()
	answering, kept := rowsLine(t, built, "answering"), rowsLine(t, built, "kept")
	w.done("verify")
	w.done("init", "--shards", "4") // finds everything there
	code, out, _ := w.command(t.Context(), "rebuild", "--back")
	if code != exitDone || rowsLine(t, out, "answering") != kept || rowsLine(t, out, "kept") != answering {
		t.Errorf("after %s--back ends with %d: %s", built, code, out)
	}
	w.done("verify")
	code, out, errs := w.command(t.Context(), "rebuild", "--drop")
	if code != exitDone || rowsLine(t, out, "answering") != kept || strings.Contains(out, " kept\n") {
		t.Errorf("--drop ends with %d: %s%s", code, out, errs)
	}
	if code, _, errs := w.command(t.Context(), "rebuild", "--back"); code != exitFailed {
		t.Errorf("--back with nothing kept ends with %d: %s", code, errs)
	}
	if views := w.viewTables(); !slices.Equal(views, []string{numbered(w.names.Views, kept)}) {
		t.Errorf("where generation %d answers there are %v", kept, views)
	}
}

// A directory that was built without a search index keeps no rows for one, and can
// be given one at any time.
func TestAnIndexComesLater(t *testing.T) {
	w := newWorld(t, 0)
	w.elastic = w.way(testservers.Elasticsearch(t), elasticURL)
	w.done("seed", "--users", "20", "--groups", "2")
	w.done("rebuild", "--view", "rows")
	code, _, errs := w.command(t.Context(), "verify", "--search", elasticSearch)
	if want := "make it with `identity init --store dynamodb --search elasticsearch --table-prefix"; code != exitFailed || !strings.Contains(errs, want) {
		t.Errorf("without an index, verify of one ends with %d: %s", code, errs)
	}
	w.init("--search", elasticSearch)
	w.init("--search", elasticSearch) // finds it there
	p := w.start(w.direct, "serve", "--search", elasticSearch)
	who := newPerson("Wanda")
	w.mustWrite(p, who, "Wanda the last")
	eventually(t, serversTime, "a search finds who came after", func() error {
		if r := p.ask(t, http.MethodGet, "/users?q=wanda", nil); r.status != http.StatusOK || !strings.Contains(string(r.body), who.ID) {
			return fmt.Errorf("%w: %d: %s", errNotYet, r.status, r.body)
		}
		return nil
	})
	w.verified("--search", elasticSearch) // those who were there before are in it too
	w.done("rebuild", "--drop", "--search", elasticSearch)
	if views := w.viewTables(); !slices.Equal(views, []string{numbered(w.names.Views, 2)}) {
		t.Errorf("where generation 2 answers there are %v", views)
	}
}

// A directory whose index is older than the roll is served as it is.
func TestAnIndexFromBeforeTheRollIsServed(t *testing.T) {
	w := newWorld(t, 0, "--search", elasticSearch)
	roll := map[string]types.AttributeValue{"p": &types.AttributeValueMemberS{Value: "generations"}, "s": &types.AttributeValueMemberS{Value: "roll"}}
	gone, err := w.tables.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &w.names.State, Key: roll, ReturnValues: types.ReturnValueAllOld})
	if err != nil || gone.Attributes == nil {
		t.Fatalf("forget the roll: %v, %v", gone, err)
	}
	p := w.start(w.direct, "serve", "--search", elasticSearch)
	w.standing(p, "rows 1 answering, search 1 answering")
}

// buildThroughKills runs rebuilds, most of which are killed, until one gets to its
// end, and gives what that says.
func (w *world) buildThroughKills() string {
	w.t.Helper()
	const lives = 12
	for life := range lives {
		ctx, cancel := context.WithTimeout(w.t.Context(), 2*time.Second+rand.N(time.Duration(life+1)*2*time.Second))
		code, out, errs := w.command(ctx, "rebuild", "--rate", "2000")
		cancel()
		switch code {
		case exitDone:
			return out
		case -1:
		default:
			w.t.Fatalf("ends with %d: %s%s", code, out, errs)
		}
	}
	code, out, errs := w.command(w.t.Context(), "rebuild")
	if code != exitDone {
		w.t.Fatalf("ends with %d: %s%s", code, out, errs)
	}
	return out
}

// rowsLine is the number of the generation of rows that is said to be in a state.
func rowsLine(t *testing.T, said, state string) (number int) {
	t.Helper()
	for line := range strings.Lines(said) {
		var name, is string
		if read, _ := fmt.Sscanf(line, "rows: generation %d %s %s\n", &number, &name, &is); read == 3 && is == state {
			if name != "("+numbered("dynamoview", number)+")" {
				t.Errorf("generation %d is called %s", number, name)
			}
			return number
		}
	}
	t.Fatalf("no generation of rows is %s: %s", state, said)
	return 0
}

// viewTables are the tables of all generations of rows.
func (w *world) viewTables() (names []string) {
	w.t.Helper()
	pages := dynamodb.NewListTablesPaginator(w.tables, &dynamodb.ListTablesInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(w.t.Context())
		if err != nil {
			w.t.Fatal(err)
		}
		for _, name := range page.TableNames {
			if strings.HasPrefix(name, w.names.Views) {
				names = append(names, name)
			}
		}
	}
	return names
}

// What differs keeps a generation from answering, and is told of by stream and
// field alone, unless it is forced.
func TestDifferencesStopARebuildOnTables(t *testing.T) {
	w := newWorld(t, 0)
	p := w.start(w.direct, "serve")
	one, other := newPerson("Wanda"), newPerson("Wanda")
	for _, who := range []*person{one, other} {
		w.mustWrite(p, who, "Wanda the first")
		w.force(p, who)
	}
	damage := func() {
		rows, err := w.tables.Scan(t.Context(), &dynamodb.ScanInput{TableName: &w.names.Views})
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows.Items {
			facts, _ := row["f"].(*types.AttributeValueMemberS)
			if key := row["s"].(*types.AttributeValueMemberS); key.Value == one.ID && facts != nil {
				row["f"] = &types.AttributeValueMemberS{Value: strings.Replace(facts.Value, "Wanda the first", "Wanda the last", 1)}
				if _, err := w.tables.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &w.names.Views, Item: row}); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	damage()
	code, out, errs := w.command(t.Context(), "rebuild", "--url", p.url)
	if code != exitFailed || !strings.Contains(out, "user/"+one.ID+"@1: SetName\n") || strings.Contains(out+errs, "Wanda") {
		t.Errorf("ends with %d: %s%s", code, out, errs)
	}
	w.standing(p, "rows 1 answering")
	if code, out, errs := w.command(t.Context(), "rebuild", "--force", "--url", p.url); code != exitDone {
		t.Errorf("forced, it ends with %d: %s%s", code, out, errs)
	}
	w.standing(p, "rows 3 answering, rows 1 kept")
	if r := p.ask(t, http.MethodGet, "/users/"+one.ID, nil); !holdsName(r, one) {
		t.Errorf("answered %d: %s", r.status, r.body)
	}
	w.verified()
}

// inTheCloud opens an engine over the tables that the environment names, and runs it
// until stop.
func inTheCloud(t *testing.T, s settings) (c *cloud, stop func()) {
	t.Helper()
	c, err := openCloud(t.Context(), os.Getenv("IDENTITY_TABLE_PREFIX"), followFlags{Feed: streamsFeed, Search: elasticSearch}, s)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var group errgroup.Group
	group.Go(func() error { return c.run(ctx) })
	return c, func() {
		cancel()
		if err := errors.Join(group.Wait(), c.close()); err != nil {
			t.Errorf("stop: %v", err)
		}
	}
}

// Another content of documents needs a rebuild of the search index, and nothing
// else.
func TestADerivedFieldInElasticsearch(t *testing.T) {
	cloudAt(t, "--search", "elasticsearch")
	c, stop := inTheCloud(t, settings{})
	defer func() { stop() }()
	made, err := c.commands.Do(t.Context(), commands.Request{Actor: "test"}, commands.CreateUser{Username: must(domain.ParseUsername("ada")), Email: must(domain.ParseEmail("ada@example.org"))})
	if err != nil {
		t.Fatal(err)
	}
	found := func() (n int) {
		eventually(t, serversTime, "an answer is as fresh as it must be", func() error {
			page, err := c.reader.Users(t.Context(), queries.Criteria{Attributes: map[string]string{"host": "example.org"}}, queries.Listing{}, queries.Freshness{AtLeast: made.Wrote, Wait: queries.MaxWait})
			if err != nil && !errors.Is(err, eventstream.ErrBehind) && !errors.Is(err, eventstream.ErrUnavailable) { // the index is slow
				t.Fatal(err)
			}
			n = len(page.Items)
			return err
		})
		return n
	}
	if n := found(); n != 0 {
		t.Fatalf("found %d before", n)
	}
	stop()
	c, stop = inTheCloud(t, settings{derive: func(d *queries.Document) {
		_, host, _ := strings.Cut(d.Email, "@")
		attributes := domain.Attributes{"host": must(domain.ParseAttribute([]byte(`"` + host + `"`)))}
		for name, value := range d.Attributes {
			attributes[name] = value
		}
		d.Attributes = attributes
	}})
	if err := c.views().Rebuild(t.Context(), httpapi.RebuildOrder{Views: []string{httpapi.SearchView}}); err != nil {
		t.Fatal(err)
	}
	eventually(t, serversTime, "the rebuild ends", func() error {
		g, err := c.views().Generations(t.Context())
		if err == nil && g.Rebuild.State == httpapi.Failed {
			t.Fatalf("the rebuild: %+v", g.Rebuild)
		}
		if err == nil && g.Rebuild.State != httpapi.Done {
			err = errNotYet
		}
		return err
	})
	eventually(t, serversTime, "this process hears of it", func() error {
		if _, search := c.followed.current(); search.number != 2 {
			return errNotYet
		}
		return nil
	})
	if n := found(); n != 1 {
		t.Errorf("found %d after a rebuild", n)
	}
	eventually(t, serversTime, "nothing is found", func() error { return drift(t, c) })
}

// Whoever has not heard for a while which views answer, answers nothing.
func TestNobodyAnswersWhoHasNotHeard(t *testing.T) {
	f := &followed{began: time.Now().Add(-time.Hour)}
	f.heardAt(time.Hour - heardWithin - time.Second)
	if err := f.answerable(); !errors.Is(err, eventstream.ErrUnavailable) {
		t.Errorf("answerable: %v", err)
	}
	f.heardAt(time.Hour)
	f.heardAt(time.Minute) // which was asked before
	if err := f.answerable(); err != nil {
		t.Errorf("answerable: %v", err)
	}
}
