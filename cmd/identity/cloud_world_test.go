package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/internal/awshttp"
	"github.com/seed5b6a70b4/identity/internal/testproxy"
	"github.com/seed5b6a70b4/identity/internal/testservers"
)

// world is tables, a stream and an index of a test's own, and the ways to them,
// which can be spoilt. Tests with a world may run side by side.
type world struct {
	t     *testing.T
	dir   string
	names names
	// The ways of processes that are not started with direct.
	dynamodb, kinesis, elastic *testproxy.Proxy
	// tables and streams are reached over no proxy.
	tables  *dynamodb.Client
	streams *kinesis.Client
	behind  []string // the environment of processes behind the proxies
	direct  []string // and of those that are not
}

// newWorld makes what the flags of init say. A stream has so many shards, if that
// is not zero.
func newWorld(t *testing.T, shards int32, flags ...string) *world {
	t.Helper()
	t.Parallel()
	prefix := "test-" + uuid.NewString()
	w := &world{t: t, dir: t.TempDir(), names: namesOf(prefix)}
	config := aws.Config{
		Region: "us-east-1", HTTPClient: awshttp.Steady(&http.Client{}),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
		}),
	}
	w.direct = append(os.Environ(),
		"AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "IDENTITY_STORE=dynamodb",
		"IDENTITY_TABLE_PREFIX="+prefix, "IDENTITY_ADMIN_KEY="+cloudAdminKey, "IDENTITY_DRAIN_DELAY=0s",
		"IDENTITY_SWEEP_EVERY=12h") // what a feed loses is not to be found otherwise
	w.behind = w.direct
	w.dynamodb = w.way(testservers.DynamoDB(t), "AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL_DYNAMODB_STREAMS")
	w.tables = dynamodb.NewFromConfig(config, func(o *dynamodb.Options) { o.BaseEndpoint = aws.String(testservers.DynamoDB(t)) })
	if said := strings.Join(flags, " "); strings.Contains(said, kinesisFeed) {
		w.kinesis = w.way(testservers.Kinesis(t), "AWS_ENDPOINT_URL_KINESIS")
		w.streams = kinesis.NewFromConfig(config, func(o *kinesis.Options) { o.BaseEndpoint = aws.String(testservers.Kinesis(t)) })
	}
	if said := strings.Join(flags, " "); strings.Contains(said, elasticSearch) {
		w.elastic = w.way(testservers.Elasticsearch(t), elasticURL)
	}
	if shards > 0 {
		_, err := w.streams.CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: &w.names.Stream, ShardCount: &shards})
		if err != nil {
			t.Fatal(err)
		}
	}
	w.init(flags...)
	return w
}

// way adds a proxy to a server.
func (w *world) way(server string, variables ...string) *testproxy.Proxy {
	proxy := testproxy.New(w.t, server)
	for _, variable := range variables {
		w.direct = append(w.direct, variable+"="+server)
		w.behind = append(w.behind, variable+"="+proxy.URL())
	}
	return proxy
}

func (w *world) init(flags ...string) {
	w.t.Helper()
	w.done(append([]string{"init", "--shards", "4"}, flags...)...)
}

// done runs a command that ends by itself, and well.
func (w *world) done(args ...string) {
	w.t.Helper()
	command := exec.CommandContext(w.t.Context(), os.Args[0], args...)
	command.Env = append(w.direct, beIdentity+"=1")
	if output, err := command.CombinedOutput(); err != nil {
		w.t.Fatalf("%v: %v: %s", args, err, output)
	}
}

// start starts a process that listens.
func (w *world) start(env []string, args ...string) *process {
	w.t.Helper()
	return mustStartWith(w.t, w.dir, env, append(args, "--listen", "127.0.0.1:0")...)
}

// reply is an answer of a process.
type reply struct {
	status int
	header http.Header
	body   []byte
	took   time.Duration
}

var asking = &http.Client{
	Transport: &http.Transport{MaxIdleConnsPerHost: 64},
	Timeout:   40 * time.Second, // longer than any answer may take
}

// ask sends a request, with headers by name and value, and reads the answer. A read
// with patience that is answered view_behind is sent again.
func (p *process) ask(t *testing.T, method, path string, body any, headers ...string) *reply {
	t.Helper()
	once := func() *reply {
		t.Helper()
		return p.askOnce(t, method, path, body, headers...)
	}
	if method != http.MethodGet || !slices.Contains(headers, patience) {
		return once()
	}
	return repeated(func(r *reply) bool { return r.code() == "view_behind" }, once)
}

// repeated asks again for as long as the answer is 503 of a kind, for half a minute at
// most.
func repeated(kind func(*reply) bool, ask func() *reply) *reply {
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for began := time.Now(); ; <-again.C {
		r := ask()
		if r.status != http.StatusServiceUnavailable || !kind(r) || time.Since(began) > 30*time.Second {
			return r
		}
	}
}

// unheard is what a process says, before it does anything, that has not heard for a
// while which views answer: a slow machine may keep it from that.
const unheard503 = "it is not known what may be answered"

func (r *reply) unheard() bool { return strings.Contains(string(r.body), unheard503) }

// askOnce sends a request once. No answer at all is a failure of the test, and an
// empty reply.
func (p *process) askOnce(t *testing.T, method, path string, body any, headers ...string) *reply {
	t.Helper()
	var sent io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			t.Error(err)
			return &reply{}
		}
		sent = bytes.NewReader(raw)
	}
	r, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), method, p.url+path, sent)
	if err != nil {
		t.Error(err)
		return &reply{}
	}
	r.Header.Set("Authorization", "Bearer "+cloudAdminKey)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	began := time.Now()
	answer, err := asking.Do(r)
	if err != nil {
		t.Errorf("%s %s: %v", method, path, err)
		return &reply{}
	}
	defer answer.Body.Close()
	read, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Errorf("%s %s: %v", method, path, err)
	}
	return &reply{answer.StatusCode, answer.Header, read, time.Since(began)}
}

func (r *reply) token() string { return r.header.Get("X-Consistency") }

// code is that of an answer other than success.
func (r *reply) code() string {
	var said problem
	_ = json.Unmarshal(r.body, &said)
	return said.Code
}

// refused tells how far a reply is from 503 with a code and Retry-After, within a
// time; empty if it is that.
func (r *reply) refused(within time.Duration, codes ...string) string {
	seconds, err := strconv.Atoi(r.header.Get("Retry-After"))
	if r.status == http.StatusServiceUnavailable && slices.Contains(codes, r.code()) && err == nil && seconds > 0 && r.took <= within {
		return ""
	}
	return fmt.Sprintf("%d %q, Retry-After %q, after %v", r.status, r.code(), r.header.Get("Retry-After"), r.took)
}

// eventually asks again until it is told that all is well.
func eventually(t *testing.T, within time.Duration, what string, try func() error) (took time.Duration) {
	t.Helper()
	began := time.Now()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for {
		err := try()
		took = time.Since(began)
		if err == nil {
			return took
		}
		if took > within {
			t.Fatalf("%s: not within %v: %v", what, within, err)
		}
		<-again.C
	}
}

// serversTime is how long a test waits for what comes by itself: the servers of tests
// are slow.
const serversTime = 3 * time.Minute

// patience has a read wait for what it demands for as long as it may: the servers
// of tests are slow.
const patience = "wait=5"

// person is a user, as its only writer knows it.
type person struct {
	ID          string `json:"id"`
	Username    string `json:"username"`
	DisplayName string `json:"name"`

	token string
	gone  bool
}

func newPerson(word string) *person {
	id := uuid.Must(uuid.NewV7()).String()
	return &person{ID: id, Username: word + "-" + id, DisplayName: word + " 0"}
}

// write creates a user, or names it anew. It tells whether that was done.
func (w *world) write(p *process, who *person, name string) *reply {
	w.t.Helper()
	if who.token == "" {
		who.DisplayName = name
		return who.keep(p.ask(w.t, http.MethodPost, "/users", who), name)
	}
	return who.keep(p.ask(w.t, http.MethodPatch, "/users/"+who.ID, map[string]string{"name": name}), name)
}

func (who *person) keep(r *reply, name string) *reply {
	if r.status == http.StatusCreated || r.status == http.StatusOK {
		who.DisplayName, who.token = name, r.token()
	}
	return r
}

// mustWrite is write, which must be done.
func (w *world) mustWrite(p *process, who *person, name string) {
	w.t.Helper()
	w.written(w.write(p, who, name))
}

func (w *world) written(r *reply) {
	w.t.Helper()
	if r.status != http.StatusCreated && r.status != http.StatusOK {
		w.t.Fatalf("a write is answered %d: %s", r.status, r.body)
	}
}

// remove removes a user.
func (w *world) remove(p *process, who *person) {
	w.t.Helper()
	w.removed(who, p.ask(w.t, http.MethodDelete, "/users/"+who.ID, nil))
}

func (w *world) removed(who *person, r *reply) {
	w.t.Helper()
	if r.status != http.StatusNoContent {
		w.t.Fatalf("a removal is answered %d: %s", r.status, r.body)
	}
	who.gone, who.token = true, r.token()
}

// verified waits until an audit finds nothing: what follows live writes may be a
// little behind them.
func (w *world) verified(flags ...string) {
	w.t.Helper()
	eventually(w.t, serversTime, "nothing is found", func() error {
		code, out, errs := w.command(w.t.Context(), append([]string{"verify"}, flags...)...)
		return drifts(w.t, code, out, errs)
	})
}

// verifiedHere is the same of the tables that the environment names.
func verifiedHere(t *testing.T, flags ...string) {
	t.Helper()
	eventually(t, serversTime, "nothing is found", func() error {
		code, out, errs := runHere(t, append([]string{"verify"}, flags...)...)
		return drifts(t, code, out, errs)
	})
}

// drifts tells what an audit has found. One that could not be made fails the test.
func drifts(t *testing.T, code int, out, errs string) error {
	t.Helper()
	switch {
	case code == exitDone && strings.Contains(out, "no drift"):
		return nil
	case code != exitFailed || !strings.Contains(errs, errDrift.Error()):
		t.Fatalf("verify ends with %d: %s%s", code, out, errs)
	}
	return fmt.Errorf("verify ends with %d: %s%s", code, out, errs)
}

// finds demands that an audit with patience finds what stays wrong with a stream, no
// sooner than patience is at its end.
func (w *world) finds(stream string, flags ...string) {
	w.t.Helper()
	const patient = 12 * time.Second // more than is usual
	began := time.Now()
	code, out := w.says(append([]string{"verify", "--patience", patient.String()}, flags...)...)
	if took := time.Since(began); code != exitFailed || !strings.Contains(out, stream) || took < patient {
		w.t.Errorf("verify ends with %d after %v: %s", code, took, out)
	}
}

// shownAs tells how what a query finds, over all of its pages, differs from those
// who should be found.
func (w *world) shownAs(p *process, query string, all []*person, headers ...string) error {
	w.t.Helper()
	missing := map[string]string{}
	for _, who := range all {
		if !who.gone {
			missing[who.ID] = who.DisplayName
		}
	}
	for cursor := ""; ; {
		r := p.ask(w.t, http.MethodGet, "/users?limit=100&"+query+cursor, nil, headers...)
		if r.status != http.StatusOK {
			return fmt.Errorf("%d: %s", r.status, r.body)
		}
		var page struct {
			Items []person `json:"items"`
			Next  string   `json:"next"`
		}
		if err := json.Unmarshal(r.body, &page); err != nil {
			return err
		}
		for _, found := range page.Items {
			wanted, is := missing[found.ID]
			if !is || found.DisplayName != wanted {
				return fmt.Errorf("%s is shown as %q, not as %q", found.ID, found.DisplayName, wanted)
			}
			delete(missing, found.ID)
		}
		if page.Next == "" {
			break
		}
		cursor = "&cursor=" + page.Next
	}
	if len(missing) > 0 {
		return fmt.Errorf("%d of %d are not shown", len(missing), len(all))
	}
	return nil
}

// metric adds up a metric of a process, over all of its labels that hold a text.
func (p *process) metric(t *testing.T, name, labels string) (sum float64) {
	t.Helper()
	r := p.ask(t, http.MethodGet, "/metrics", nil)
	for line := range strings.SplitSeq(string(r.body), "\n") {
		series, value, found := strings.Cut(line, " ")
		if !found || !strings.HasPrefix(series, name) || !strings.Contains(series, labels) {
			continue
		}
		number, err := strconv.ParseFloat(value, 64)
		if err != nil {
			t.Errorf("metric %s: %v", series, err)
		}
		sum += number
	}
	return sum
}

var errNotYet = errors.New("not yet")

// holdsName tells whether a reply, of one or of a list, shows a user as it is.
func holdsName(r *reply, who *person) bool {
	return r.status == http.StatusOK && strings.Contains(string(r.body), strconv.Quote(who.DisplayName)) && strings.Contains(string(r.body), who.ID)
}
