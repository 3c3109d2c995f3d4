package httpapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// bulkWorlds are directories in which the same part of the ids and values, ~ in
// items, is nobody's yet.
type bulkWorlds struct {
	handlers []http.Handler
	parts    int
}

func newBulkWorlds(t *testing.T, n int) *bulkWorlds {
	w := &bulkWorlds{}
	for range n {
		w.handlers = append(w.handlers, newDirectory(t, wiring{noSearch: true}).handler(t, nil))
	}
	return w
}

func (w *bulkWorlds) fresh() string {
	w.parts++
	return fmt.Sprintf("%08x", w.parts)
}

// bulkItem is a change to a user, and the request of its own that does the same.
type bulkItem struct {
	item         string
	method, path string
	body         string
	ifMatch      string
}

func drawBulkItem(r *rapid.T) bulkItem {
	id := fmt.Sprintf("~-8a70-7c3e-9f41-5a2d8c6b7e1%d", rapid.IntRange(0, 3).Draw(r, "id"))
	name := rapid.SampledFrom([]string{"anna~", "ANNA~", "bert~", "carl~", "", "a b"}).Draw(r, "username")
	email := rapid.SampledFrom([]string{"null", `"a~@example.org"`, `"b~@example.org"`, "7"}).Draw(r, "email")
	if rapid.Bool().Draw(r, "create") {
		user := fmt.Sprintf(`{"id":%q,"username":%q,"email":%s}`, id, name, email)
		return bulkItem{item: `{"op":"create","user":` + user + `}`, method: "POST", path: "/users", body: user}
	}
	patch := fmt.Sprintf(`{"username":%q,"email":%s}`, name, email)
	if rapid.Bool().Draw(r, "only a name") {
		patch = fmt.Sprintf(`{"name":%q}`, name)
	}
	i := bulkItem{method: "PATCH", path: "/users/" + id, body: patch}
	condition := ""
	if rapid.IntRange(0, 3).Draw(r, "conditional") == 0 {
		i.ifMatch = rapid.SampledFrom([]string{"*", `"AQ"`, "nonsense"}).Draw(r, "tag")
		condition = fmt.Sprintf(`"ifMatch":%q,`, i.ifMatch)
	}
	i.item = `{"op":"patch","id":"` + id + `",` + condition + `"user":` + patch + `}`
	return i
}

// bulkOutcome is what of an answer does not depend on when it was given.
type bulkOutcome struct {
	Status   int
	Code     string
	Detail   string
	Pointers string
}

func (i bulkItem) alone(handler http.Handler, part string) bulkOutcome {
	var headers []string
	if i.ifMatch != "" {
		headers = append(headers, "If-Match", i.ifMatch)
	}
	answer := ask(handler, i.method, strings.ReplaceAll(i.path, "~", part), strings.ReplaceAll(i.body, "~", part), headers...)
	return bulkOutcomeOf(answer.Code, answer.Body.Bytes(), "/user")
}

// bulkOutcomeOf reads a result, or an answer of its own; prefix is where the user
// stands in an item.
func bulkOutcomeOf(status int, body []byte, prefix string) bulkOutcome {
	var problem struct {
		Status       int
		Code, Detail string
		Errors       []struct{ Pointer string }
	}
	if err := json.Unmarshal(body, &problem); err != nil {
		return bulkOutcome{Code: err.Error()}
	}
	detail, _, _ := strings.Cut(problem.Detail, " from 2") // and when
	o := bulkOutcome{Status: max(status, problem.Status), Code: problem.Code, Detail: detail}
	for _, e := range problem.Errors {
		o.Pointers += prefix + e.Pointer + " "
	}
	return o
}

func results(r interface {
	Fatalf(string, ...any)
}, body []byte, lines bool) []bulkOutcome {
	var raw []json.RawMessage
	if lines {
		for line := range strings.Lines(string(body)) {
			raw = append(raw, json.RawMessage(line))
		}
	} else {
		var answer struct{ Items []json.RawMessage }
		if err := json.Unmarshal(body, &answer); err != nil {
			r.Fatalf("%v: %s", err, body)
		}
		raw = answer.Items
	}
	var all []bulkOutcome
	for _, text := range raw {
		all = append(all, bulkOutcomeOf(0, text, ""))
	}
	return all
}

// bulkState is every user there is and their histories, but for times and the ids
// of commands.
func bulkState(handler http.Handler, part string) string {
	var state strings.Builder
	for i := range 4 {
		path := fmt.Sprintf("/users/%s-8a70-7c3e-9f41-5a2d8c6b7e1%d", part, i)
		var history struct {
			Items []struct {
				Seq    int
				Events []json.RawMessage
			}
		}
		_ = json.Unmarshal(ask(handler, "GET", path+"/history?limit=500", "").Body.Bytes(), &history)
		fmt.Fprintln(&state, i)
		for _, commit := range history.Items {
			fmt.Fprintf(&state, "\t%d %s\n", commit.Seq, commit.Events)
		}
	}
	return strings.ReplaceAll(state.String(), part, "~")
}

func send(handler http.Handler, part string, list []bulkItem, lines bool) []byte {
	var items []string
	for _, i := range list {
		items = append(items, strings.ReplaceAll(i.item, "~", part))
	}
	if lines {
		return ask(handler, "POST", "/users:batch", strings.Join(items, "\n"), "Content-Type", "application/x-ndjson").Body.Bytes()
	}
	return ask(handler, "POST", "/users:batch", `{"items":[`+strings.Join(items, ",")+`]}`).Body.Bytes()
}

// TestABatchIsItsItems sends the same items as a batch, as lines and each as a
// request of its own: the results and what is there afterwards are the same.
func TestABatchIsItsItems(t *testing.T) {
	w := newBulkWorlds(t, 3)
	rapid.Check(t, func(r *rapid.T) {
		list := rapid.SliceOfN(rapid.Custom(drawBulkItem), 1, 30).Draw(r, "items")
		part := w.fresh()
		var want []bulkOutcome
		for _, i := range list {
			want = append(want, i.alone(w.handlers[0], part))
		}
		for i, lines := range []bool{false, true} {
			together := w.handlers[i+1]
			if diff := cmp.Diff(want, results(r, send(together, part, list, lines), lines)); diff != "" {
				r.Fatalf("lines %v (-alone +together):\n%s", lines, diff)
			}
			if diff := cmp.Diff(bulkState(w.handlers[0], part), bulkState(together, part)); diff != "" {
				r.Fatalf("lines %v: in the end (-alone +together):\n%s", lines, diff)
			}
		}
	})
}

// TestCreatesCutOffAnywhereCanBeSentAgain does a part of a list of creates, and
// then all of it, twice: it is as if it had been done once.
func TestCreatesCutOffAnywhereCanBeSentAgain(t *testing.T) {
	w := newBulkWorlds(t, 2)
	once, cut := w.handlers[0], w.handlers[1]
	creates := rapid.Custom(drawBulkItem).Filter(func(i bulkItem) bool { return i.method == http.MethodPost })
	rapid.Check(t, func(r *rapid.T) {
		list := rapid.SliceOfN(creates, 1, 12).Draw(r, "creates")
		lines := rapid.Bool().Draw(r, "lines")
		part := w.fresh()
		send(once, part, list, lines)
		send(cut, part, list[:rapid.IntRange(0, len(list)).Draw(r, "cut")], lines)
		send(cut, part, list, lines)
		before := bulkState(cut, part)
		again := results(r, send(cut, part, list, lines), lines)
		after := bulkState(cut, part)
		if diff := cmp.Diff(bulkState(once, part), after); diff != "" || after != before {
			r.Fatalf("(-once +again):\n%s", diff)
		}
		for i, outcome := range again {
			if outcome.Status == http.StatusCreated {
				r.Fatalf("item %d was created again", i)
			}
		}
	})
}
