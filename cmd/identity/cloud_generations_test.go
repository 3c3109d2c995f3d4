package main

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
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
	if err != nil && !errors.As(err, &exit) {
		w.t.Fatal(err)
	}
	return command.ProcessState.ExitCode(), stdout.String(), stderr.String()
}

// The command builds over tables that nobody serves, is killed at any moment and
// run again, goes back, and lets go of what is kept, which leaves nothing.
func TestTheCommandBuildsOnTables(t *testing.T) {
	w := newWorld(t, 0)
	w.done("seed", "--users", "60", "--groups", "6")
	whole := false
	for life := range 12 {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second+rand.N(time.Duration(life+1)*2*time.Second))
		code, out, errs := w.command(ctx, "rebuild", "--rate", "2000")
		cancel()
		if whole = code == exitDone; whole {
			if !strings.Contains(out, "rows: generation 2 (dynamoview-2) answering\nrows: generation 1 (dynamoview) kept\n") {
				t.Errorf("it says %s%s", out, errs)
			}
			break
		}
		if code != -1 {
			t.Fatalf("ends with %d: %s%s", code, out, errs)
		}
	}
	if !whole {
		if code, out, errs := w.command(t.Context(), "rebuild"); code != exitDone || !strings.Contains(out, "rows: generation 2 (dynamoview-2) answering") {
			t.Fatalf("ends with %d: %s%s", code, out, errs)
		}
	}
	w.done("verify")
	w.done("init", "--shards", "4") // finds everything there
	if code, out, _ := w.command(t.Context(), "rebuild", "--back"); code != exitDone || !strings.HasPrefix(out, "rows: generation 1 (dynamoview) answering\n") {
		t.Errorf("--back ends with %d: %s", code, out)
	}
	w.done("verify")
	if code, out, errs := w.command(t.Context(), "rebuild", "--drop"); code != exitDone || !strings.HasPrefix(out, "rows: generation 1 (dynamoview) answering\nclosure: ") {
		t.Errorf("--drop ends with %d: %s%s", code, out, errs)
	}
	if code, _, errs := w.command(t.Context(), "rebuild", "--back"); code != exitFailed {
		t.Errorf("--back with nothing kept ends with %d: %s", code, errs)
	}
	tables, err := w.tables.ListTables(t.Context(), &dynamodb.ListTablesInput{ExclusiveStartTableName: &w.names.Views})
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range tables.TableNames {
		if strings.HasPrefix(table, w.names.Views) {
			t.Errorf("the table %s is left", table)
		}
	}
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
	w.done("verify")
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
		eventually(t, time.Minute, "an answer is as fresh as it must be", func() error {
			page, err := c.reader.Users(t.Context(), queries.Criteria{Attributes: map[string]string{"host": "example.org"}}, queries.Listing{}, queries.Freshness{AtLeast: made.Wrote, Wait: queries.MaxWait})
			if err != nil && !errors.Is(err, eventstream.ErrBehind) {
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
	eventually(t, time.Minute, "the rebuild ends", func() error {
		g, err := c.views().Generations(t.Context())
		if err == nil && g.Rebuild.State == httpapi.Failed {
			t.Fatalf("the rebuild: %+v", g.Rebuild)
		}
		if err == nil && g.Rebuild.State != httpapi.Done {
			err = errNotYet
		}
		return err
	})
	eventually(t, 10*time.Second, "this process hears of it", func() error {
		if _, search := c.followed.current(); search.number != 2 {
			return errNotYet
		}
		return nil
	})
	if n := found(); n != 1 {
		t.Errorf("found %d after a rebuild", n)
	}
	noDrift(t, c)
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
