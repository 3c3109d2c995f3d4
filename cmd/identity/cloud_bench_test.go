package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/eventstream/dynamostore"
	"github.com/seed5b6a70b4/identity/queries/dynamoview"
)

// The benchmarks of this file compare what the service does over DynamoDB Local
// with what the SDK alone does, in turns, so that only the ratios mean anything.
// `make bench-backends` runs them.

const (
	benchRound  = 2 * time.Second
	benchRounds = 5
)

// rivals are a service over tables of its own, and the SDK over others.
type rivals struct {
	b      *testing.B
	url    string
	http   *http.Client
	raw    *dynamodb.Client
	events string
	views  string
}

func newRivals(b *testing.B, serve ...string) *rivals {
	b.Helper()
	env := cloudAt(b)
	p := mustStartWith(b, b.TempDir(), env, append([]string{"serve", "--no-access-log", "--listen", "127.0.0.1:0"}, serve...)...)
	config, err := awsConfig(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	r := &rivals{b: b, url: p.url, raw: dynamodb.NewFromConfig(config), events: "raw-events-" + uuid.NewString(), views: "raw-views-" + uuid.NewString()}
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	b.Cleanup(transport.CloseIdleConnections)
	r.http = &http.Client{Transport: transport}
	for _, table := range []*dynamodb.CreateTableInput{dynamostore.Table(r.events), dynamoview.Table(r.views)} {
		if _, err := makeTable(b.Context(), r.raw, table); err != nil {
			b.Fatal(err)
		}
	}
	return r
}

// answered is an answer, read to its end.
type answered struct {
	status int
	header http.Header
	body   []byte
}

func (r *rivals) ask(method, path, body string, headers ...string) (answered, error) {
	request, err := http.NewRequestWithContext(r.b.Context(), method, r.url+path, strings.NewReader(body))
	if err != nil {
		return answered{}, err
	}
	request.Header.Set("Authorization", "Bearer "+cloudAdminKey)
	request.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	answer, err := r.http.Do(request)
	if err != nil {
		return answered{}, err
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	return answered{answer.StatusCode, answer.Header, content}, err
}

// must is a step that has to be answered with a status; it gives the headers.
func (r *rivals) must(status int, method, path, body string, headers ...string) http.Header {
	answer, err := r.ask(method, path, body, headers...)
	if err := expect(status, answer, err); err != nil {
		r.b.Fatalf("%s %s: %v", method, path, err)
	}
	return answer.header
}

// compare runs both in turns with so many at once, and reports the rate of ours
// and its ratio to the other: the median of the rounds.
func (r *rivals) compare(atOnce int, ours, raw func(worker, turn int) error) {
	r.b.Helper()
	var ratios, rates []float64
	for range benchRounds {
		theirs := r.rate(atOnce, raw)
		own := r.rate(atOnce, ours)
		ratios, rates = append(ratios, own/theirs), append(rates, own)
	}
	slices.Sort(ratios)
	slices.Sort(rates)
	r.b.ReportMetric(ratios[len(ratios)/2], "ratio")
	r.b.ReportMetric(rates[len(rates)/2], "ours/s")
	r.b.ReportMetric(0, "ns/op")
}

func (r *rivals) rate(atOnce int, do func(worker, turn int) error) float64 {
	r.b.Helper()
	var done atomic.Int64
	var failed atomic.Pointer[error]
	began := time.Now()
	var group sync.WaitGroup
	for worker := range atOnce {
		group.Go(func() {
			for turn := 0; time.Since(began) < benchRound; turn++ {
				if err := do(worker, turn); err != nil {
					failed.Store(&err)
					return
				}
				done.Add(1)
			}
		})
	}
	group.Wait()
	if err := failed.Load(); err != nil {
		r.b.Fatal(*err)
	}
	return float64(done.Load()) / time.Since(began).Seconds()
}

// expect makes an answer of another status an error.
func expect(status int, answer answered, err error) error {
	if err == nil && answer.status != status {
		return fmt.Errorf("status %d: %s", answer.status, answer.body)
	}
	return err
}

func rawItem(stream string, seq int) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{
		"p": &types.AttributeValueMemberS{Value: stream}, "s": &types.AttributeValueMemberN{Value: fmt.Sprint(seq)},
		"z": &types.AttributeValueMemberS{Value: "0#2026112213"}, "t": &types.AttributeValueMemberN{Value: fmt.Sprint(time.Now().UnixMilli())},
		"d": &types.AttributeValueMemberB{Value: bytes.Repeat([]byte("x"), 300)},
	}
}

// BenchmarkBackendsPost creates users, each with a username and an e-mail: four
// items in a transaction.
func BenchmarkBackendsPost(b *testing.B) {
	r := newRivals(b, "--feed", "none")
	for _, atOnce := range []int{1, 32} {
		b.Run(fmt.Sprint(atOnce), func(b *testing.B) {
			r.b = b
			r.compare(atOnce, func(int, int) error {
				name := uuid.NewString()
				answer, err := r.ask(http.MethodPost, "/users", `{"username":"`+name+`","email":"`+name+`@example.org"}`)
				return expect(http.StatusCreated, answer, err)
			}, func(int, int) error {
				input := &dynamodb.TransactWriteItemsInput{}
				for range 4 {
					input.TransactItems = append(input.TransactItems, types.TransactWriteItem{Put: &types.Put{
						TableName: &r.events, Item: rawItem("user/"+uuid.NewString(), 1), ConditionExpression: aws.String("attribute_not_exists(p)"),
					}})
				}
				_, err := r.raw.TransactWriteItems(r.b.Context(), input)
				return err
			})
		})
	}
}

// BenchmarkBackendsPatch changes the name of users.
func BenchmarkBackendsPatch(b *testing.B) {
	r := newRivals(b, "--feed", "none")
	var paths []string
	for range 32 {
		paths = append(paths, r.must(http.StatusCreated, http.MethodPost, "/users", `{"username":"`+uuid.NewString()+`"}`).Get("Location"))
	}
	for _, atOnce := range []int{1, 32} {
		b.Run(fmt.Sprint(atOnce), func(b *testing.B) {
			r.b = b
			r.compare(atOnce, func(worker, _ int) error {
				answer, err := r.ask(http.MethodPatch, paths[worker], `{"name":"`+uuid.NewString()+`"}`)
				return expect(http.StatusOK, answer, err)
			}, func(int, int) error {
				_, err := r.raw.PutItem(r.b.Context(), &dynamodb.PutItemInput{
					TableName: &r.events, Item: rawItem("user/"+uuid.NewString(), 1), ConditionExpression: aws.String("attribute_not_exists(p)"),
				})
				return err
			})
		})
	}
}

// BenchmarkBackendsGet reads users by id.
func BenchmarkBackendsGet(b *testing.B) {
	r := newRivals(b, "--feed", "none")
	created := r.must(http.StatusCreated, http.MethodPost, "/users", `{"username":"`+uuid.NewString()+`"}`)
	path := created.Get("Location")
	r.must(http.StatusOK, http.MethodGet, path, "", "X-Consistency", created.Get("X-Consistency"))
	key := rawItem("user#0", 1)
	key["s"] = &types.AttributeValueMemberS{Value: uuid.NewString()}
	if _, err := r.raw.PutItem(b.Context(), &dynamodb.PutItemInput{TableName: &r.views, Item: key}); err != nil {
		b.Fatal(err)
	}
	for _, atOnce := range []int{1, 32} {
		b.Run(fmt.Sprint(atOnce), func(b *testing.B) {
			r.b = b
			r.compare(atOnce, func(int, int) error {
				answer, err := r.ask(http.MethodGet, path, "")
				return expect(http.StatusOK, answer, err)
			}, func(int, int) error {
				_, err := r.raw.GetItem(r.b.Context(), &dynamodb.GetItemInput{
					TableName: &r.views, Key: map[string]types.AttributeValue{"p": key["p"], "s": key["s"]}, ConsistentRead: aws.Bool(true),
				})
				return err
			})
		})
	}
}

// BenchmarkBackendsVisible is how long a new user takes to show in the view, when
// nothing else goes on: by itself, in poll intervals of the feed, and forced.
func BenchmarkBackendsVisible(b *testing.B) {
	r := newRivals(b)
	measure := func(headers func(created http.Header) []string) time.Duration {
		var took []time.Duration
		for range 20 {
			created := r.must(http.StatusCreated, http.MethodPost, "/users", `{"username":"`+uuid.NewString()+`"}`)
			began := time.Now()
			for {
				answer, err := r.ask(http.MethodGet, created.Get("Location"), "", headers(created)...)
				if err != nil {
					b.Fatal(err)
				}
				if answer.status == http.StatusOK {
					break
				}
			}
			took = append(took, time.Since(began))
		}
		slices.Sort(took)
		return took[len(took)-2]
	}
	alone := measure(func(http.Header) []string { return nil })
	forced := measure(func(created http.Header) []string {
		return []string{"X-Consistency", created.Get("X-Consistency")}
	})
	b.ReportMetric(alone.Seconds()/streamsPoll.Seconds(), "polls-p95")
	b.ReportMetric(float64(forced.Milliseconds()), "forced-ms-p95")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkBackendsKeepUp writes as fast as the machine can while a synchroniser
// runs, and tells how long after the last write everything shows.
func BenchmarkBackendsKeepUp(b *testing.B) {
	r := newRivals(b)
	var mu sync.Mutex
	var last string
	rate := r.rate(16, func(int, int) error {
		answer, err := r.ask(http.MethodPost, "/users", `{"username":"`+uuid.NewString()+`"}`)
		if err == nil {
			mu.Lock()
			last = answer.header.Get("Location")
			mu.Unlock()
		}
		return expect(http.StatusCreated, answer, err)
	})
	began := time.Now()
	ctx, cancel := context.WithTimeout(b.Context(), time.Minute)
	defer cancel()
	for {
		answer, err := r.ask(http.MethodGet, last, "")
		if err != nil || ctx.Err() != nil {
			b.Fatal(err, ctx.Err())
		}
		if answer.status == http.StatusOK {
			break
		}
	}
	b.ReportMetric(rate, "writes/s")
	b.ReportMetric(time.Since(began).Seconds(), "s-behind")
	b.ReportMetric(0, "ns/op")
}
