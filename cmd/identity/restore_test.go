package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/eventstream/dynamostore"
)

// copyTable copies the commits of one prefix to a table of another, as a restored
// table is: whole, and without a stream.
func copyTable(t *testing.T, from, to string) {
	t.Helper()
	config, err := awsConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	(&world{t: t, tables: dynamodb.NewFromConfig(config)}).copyTable(namesOf(from).Events, namesOf(to).Events)
}

func (w *world) copyTable(from, to string) {
	t, client := w.t, w.tables
	t.Helper()
	table := dynamostore.Table(to)
	table.StreamSpecification = nil
	if _, err := makeTable(t.Context(), client, table); err != nil {
		t.Fatal(err)
	}
	pages := dynamodb.NewScanPaginator(client, &dynamodb.ScanInput{TableName: &from})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range page.Items {
			if _, err := client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: table.TableName, Item: item}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// A restored table begins a new life: what was there shows at once, tokens of the
// old life are refused, what is unique stays so, and views follow what comes.
func TestRestored(t *testing.T) {
	env := cloudAt(t)
	old := os.Getenv("IDENTITY_TABLE_PREFIX")
	before := mustStartWith(t, t.TempDir(), env, "serve", "--listen", "127.0.0.1:0")
	id, token := newUser(t, before.url, "homer")
	says(t, before.url+"/users/"+id, token, "", http.StatusOK, id)

	prefix := "restored-" + uuid.NewString()
	copyTable(t, old, prefix)
	t.Setenv("IDENTITY_TABLE_PREFIX", prefix)
	if code, _, errs := runHere(t, "init", "--restored"); code != exitFailed || !strings.Contains(errs, claimVar) {
		t.Errorf("without the claim secret init ends with %d: %s", code, errs)
	}
	said := map[string]bool{}
	for range 2 { // the second time it has begun
		code, out, errs := runHere(t, "init", "--restored", "--secret-of", old)
		if code != exitDone {
			t.Fatalf("init ends with %d: %s", code, errs)
		}
		said[strings.SplitN(out, "\n", 2)[0]] = true
	}
	if len(said) != 1 {
		t.Errorf("two lives began: %v", said)
	}

	if code, out, errs := runHere(t, "verify"); code != exitDone {
		t.Errorf("verify ends with %d: %s%s", code, out, errs)
	}
	after := mustStartWith(t, t.TempDir(), os.Environ(), "serve", "--listen", "127.0.0.1:0")
	if got := ask(t, after.url+"/users/"+id, "", ""); got.status != http.StatusOK {
		t.Errorf("what was restored does not show: %d %s", got.status, got.body)
	}
	if got := ask(t, after.url+"/users/"+id, token, ""); got.status != http.StatusBadRequest || !strings.Contains(got.body, `"foreign_token"`) {
		t.Errorf("a token of the old life is answered %d %s", got.status, got.body)
	}
	if got := ask(t, after.url+"/users", "", `{"username":"homer"}`); got.status != http.StatusConflict {
		t.Errorf("a username that is taken is answered %d %s", got.status, got.body)
	}
	marge, _ := newUser(t, after.url, "marge")
	comes(t, after.url+"/users/"+marge) // the table tells of its commits
	var list struct{ Items []json.RawMessage }
	if got := ask(t, after.url+"/users", "", ""); json.Unmarshal([]byte(got.body), &list) != nil || len(list.Items) != 2 {
		t.Errorf("the list is %s", got.body)
	}
}

// comes waits until something shows without a token.
func comes(t *testing.T, url string) {
	t.Helper()
	eventually(t, serversTime, "it shows by itself", func() error {
		got := ask(t, url, "", "")
		switch got.status {
		case http.StatusOK:
			return nil
		case http.StatusNotFound, http.StatusServiceUnavailable:
			return fmt.Errorf("%d %s", got.status, got.body)
		default:
			t.Fatal(got.status, got.body)
			return nil
		}
	})
}

// Views that are in use are not taken for those of a restored table.
func TestRestoredRefusesViewsOfAnotherLife(t *testing.T) {
	cloudAt(t)
	if code, _, errs := runHere(t, "init", "--restored"); code != exitFailed || !strings.Contains(errs, "shows another life of the directory: delete it") {
		t.Errorf("init ends with %d: %s", code, errs)
	}
	for _, wrong := range [][]string{{"init", "--restored", "--store", "embedded"}, {"init", "--secret-of", "x"}} {
		if code, _, errs := runHere(t, wrong...); code != exitUsage {
			t.Errorf("%v ends with %d: %s", wrong, code, errs)
		}
	}
}
