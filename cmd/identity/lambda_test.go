package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/internal/testproxy"
	"github.com/seed5b6a70b4/identity/internal/testservers"
	"github.com/seed5b6a70b4/identity/sync/commitrecord"
)

// runtimeAPI is what a Lambda function asks for events, over HTTP as it is
// documented. It hands them out one at a time.
type runtimeAPI struct {
	server  *httptest.Server
	events  chan string
	answers chan string // an answer, or "error: " and what failed
	allowed invocationTime
	took    time.Duration // to the last answer, since the event was taken
}

// invocationTime is how long a function may work on an event.
type invocationTime time.Duration

func newRuntimeAPI(t *testing.T, allowed invocationTime) *runtimeAPI {
	t.Helper()
	r := &runtimeAPI{events: make(chan string), answers: make(chan string), allowed: allowed}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", r.next)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/{how}", r.answered)
	r.server = httptest.NewServer(mux)
	t.Cleanup(r.server.Close)
	return r
}

func (r *runtimeAPI) next(w http.ResponseWriter, request *http.Request) {
	select {
	case event := <-r.events:
		w.Header().Set("Lambda-Runtime-Aws-Request-Id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd")
		w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(time.Duration(r.allowed)).UnixMilli(), 10))
		w.Header().Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:123456789012:function:sync")
		_, _ = io.WriteString(w, event)
	case <-request.Context().Done():
	}
}

func (r *runtimeAPI) answered(w http.ResponseWriter, request *http.Request) {
	body, _ := io.ReadAll(request.Body)
	answer := string(body)
	if request.PathValue("how") != "response" {
		answer = "error: " + answer
	}
	w.WriteHeader(http.StatusAccepted)
	select {
	case r.answers <- answer:
	case <-request.Context().Done():
	}
}

// start starts the program as the Lambda runtime does: with no arguments.
func (r *runtimeAPI) start(t *testing.T, env ...string) {
	t.Helper()
	function := exec.CommandContext(context.WithoutCancel(t.Context()), os.Args[0])
	function.Env = append(append(os.Environ(), env...), beIdentity+"=1", lambdaVar+"="+strings.TrimPrefix(r.server.URL, "http://"))
	var log bytes.Buffer
	function.Stderr = &log
	if err := function.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = function.Process.Kill()
		_ = function.Wait()
		if t.Failed() {
			t.Logf("the function says:\n%s", log.String())
		}
	})
}

// invoke hands out an event and gives the answer.
func (r *runtimeAPI) invoke(t *testing.T, event string) (answer string) {
	t.Helper()
	bounded := time.After(serversTime)
	select {
	case r.events <- event:
	case <-bounded:
		t.Fatal("the function asks for no event")
	}
	taken := time.Now()
	select {
	case answer = <-r.answers:
		r.took = time.Since(taken)
	case <-bounded:
		t.Fatal("the function does not answer")
	}
	return answer
}

const scheduleEvent = `{"version":"0","source":"aws.events","detail-type":"Scheduled Event","detail":{}}`

// kinesisEvent tells of commits as an event source mapping does; the records are
// numbered from 1.
func kinesisEvent(t *testing.T, table string, positions ...eventstream.Position) string {
	t.Helper()
	var event events.KinesisEvent
	for i, position := range positions {
		data, err := commitrecord.Marshal(&commitrecord.Record{Table: table, Position: position})
		if err != nil {
			t.Fatal(err)
		}
		event.Records = append(event.Records, events.KinesisEventRecord{
			EventSource: "aws:kinesis", Kinesis: events.KinesisRecord{Data: data, SequenceNumber: strconv.Itoa(i + 1)},
		})
	}
	text, err := json.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// tableEvent tells of the first commit of a stream, of the table itself.
func tableEvent(table, stream string) string {
	return fmt.Sprintf(`{"Records":[{"eventID":"1","eventName":"INSERT","eventSource":"aws:dynamodb","awsRegion":"us-east-1",
		"eventSourceARN":"arn:aws:dynamodb:us-east-1:123456789012:table/%s/stream/2026-01-01T00:00:00.000",
		"dynamodb":{"Keys":{"p":{"S":%q},"s":{"N":"1"}},"SequenceNumber":"1","SizeBytes":9,"StreamViewType":"KEYS_ONLY"}}]}`, table, stream)
}

// asked is an answer of the service.
type asked struct {
	status int
	token  string
	body   string
}

// ask asks a serve; with a body it posts, and with a token it has patience.
func ask(t *testing.T, url, token, body string) asked {
	t.Helper()
	method := http.MethodGet
	if body != "" {
		method = http.MethodPost
	}
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+cloudAdminKey)
	request.Header.Set("Content-Type", "application/json")
	if token != "" {
		request.Header.Set("X-Consistency", token)
		request.Header.Set("Prefer", patience)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return asked{answer.StatusCode, answer.Header.Get("X-Consistency"), string(text)}
}

// newUser makes a user and gives its id, and the token of what was written.
func newUser(t *testing.T, url, name string) (id, token string) {
	t.Helper()
	made := ask(t, url+"/users", "", `{"username":"`+name+`"}`)
	var user struct{ ID string }
	if err := json.Unmarshal([]byte(made.body), &user); err != nil || made.status != http.StatusCreated {
		t.Fatalf("%d %s", made.status, made.body)
	}
	return user.ID, made.token
}

// As a function, sync brings to views and search index what events tell of, and,
// on a schedule, what no event told of.
func TestLambda(t *testing.T) {
	env := cloudAt(t, "--search", "elasticsearch")
	t.Setenv("IDENTITY_SEARCH", "elasticsearch")
	serve := mustStartWith(t, t.TempDir(), append(env, "IDENTITY_SEARCH=elasticsearch"), "serve", "--feed", "none", "--listen", "127.0.0.1:0")
	runtime := newRuntimeAPI(t, invocationTime(time.Minute))
	runtime.start(t)
	table := namesOf(os.Getenv("IDENTITY_TABLE_PREFIX")).Events
	for _, test := range []struct {
		username string
		event    func(stream eventstream.StreamID) string
		answer   string
	}{
		{"homer", func(stream eventstream.StreamID) string {
			return kinesisEvent(t, table, eventstream.Position{Stream: stream, Seq: 1})
		}, `{"batchItemFailures":[]}`},
		{"marge", func(stream eventstream.StreamID) string { return tableEvent(table, string(stream)) }, `{"batchItemFailures":[]}`},
		{"lisa", func(eventstream.StreamID) string { return scheduleEvent }, `{}`},
	} {
		id, _ := newUser(t, serve.url, test.username)
		if got := ask(t, serve.url+"/users/"+id, "", ""); got.status != http.StatusNotFound {
			t.Fatalf("%s shows before anything told of it: %d", test.username, got.status)
		}
		told := func() {
			t.Helper()
			if answer := runtime.invoke(t, test.event(eventstream.StreamID("user/"+id))); answer != test.answer {
				t.Fatalf("the event of %s is answered with %s", test.username, answer)
			}
		}
		told()
		if got := ask(t, serve.url+"/users/"+id, "", ""); got.status != http.StatusOK {
			t.Errorf("%s does not show: %d %s", test.username, got.status, got.body)
		}
		findsWhenTold(t, serve.url, test.username, id, told)
	}
	if answer := runtime.invoke(t, `{"Records":[{"eventSource":"aws:s3"}]}`); !strings.HasPrefix(answer, "error: ") {
		t.Errorf("an event of another kind is answered with %s", answer)
	}
}

// findsWhenTold searches with the token of a list, which is answered only once the
// checkpoint has moved: what does not fit into one invocation is for the next.
func findsWhenTold(t *testing.T, url, username, id string, told func()) {
	t.Helper()
	list := ask(t, url+"/users", "", "")
	eventually(t, serversTime, "the checkpoint has moved", func() error {
		found := ask(t, url+"/users?q="+username, list.token, "")
		if found.status == http.StatusServiceUnavailable {
			told()
			return fmt.Errorf("%d %s", found.status, found.body)
		}
		if found.status != http.StatusOK || !strings.Contains(found.body, id) {
			t.Errorf("%s is not found: %d %s", username, found.status, found.body)
		}
		return nil
	})
}

// While DynamoDB is away, a batch is answered with its first record, in time; once
// it is back, the same batch is handled.
func TestLambdaWhileDynamoDBIsAway(t *testing.T) {
	env := cloudAt(t)
	serve := mustStartWith(t, t.TempDir(), env, "serve", "--feed", "none", "--listen", "127.0.0.1:0")
	id, _ := newUser(t, serve.url, "homer")
	proxy := testproxy.New(t, testservers.DynamoDB(t))
	const allowed = 30 * time.Second
	runtime := newRuntimeAPI(t, invocationTime(allowed))
	runtime.start(t, "AWS_ENDPOINT_URL_DYNAMODB="+proxy.URL())
	table := namesOf(os.Getenv("IDENTITY_TABLE_PREFIX")).Events
	unknown := kinesisEvent(t, "another-table", eventstream.Position{Stream: "users/0", Seq: 1})
	if answer := runtime.invoke(t, unknown); answer != `{"batchItemFailures":[]}` { // it has started
		t.Fatal(answer)
	}
	batch := kinesisEvent(t, table, eventstream.Position{Stream: eventstream.StreamID("user/" + id), Seq: 1},
		eventstream.Position{Stream: "users/0", Seq: 1})
	refused := func(how string) {
		if answer := runtime.invoke(t, batch); answer != `{"batchItemFailures":[{"itemIdentifier":"1"}]}` {
			t.Errorf("%s: answered %s", how, answer)
		}
		if runtime.took > allowed {
			t.Errorf("%s: answered after %s", how, runtime.took)
		}
	}
	proxy.Down()
	refused("refused")
	proxy.Up()
	proxy.Set(1, testproxy.Silent())
	refused("silent")
	proxy.Set(0)
	eventually(t, serversTime, "the batch is handled when it is handed out again", func() error {
		if answer := runtime.invoke(t, batch); answer != `{"batchItemFailures":[]}` {
			return fmt.Errorf("answered %s", answer)
		}
		return nil
	})
	if got := ask(t, serve.url+"/users/"+id, "", ""); got.status != http.StatusOK {
		t.Errorf("it does not show: %d %s", got.status, got.body)
	}
}
