package lambdafeed_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"pgregory.net/rapid"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/sync/commitrecord"
	"github.com/seed5b6a70b4/identity/sync/lambdafeed"
)

const table = "identity-events"

var errAway = errors.New("the store is away")

// bell is a handler that fails for some numbers of a stream, and notes the rest.
type bell struct {
	fails   func(eventstream.Seq) bool
	calls   int
	handled map[eventstream.Seq]bool
}

func (b *bell) ring(_ context.Context, positions []eventstream.Position) error {
	b.calls++
	for _, position := range positions {
		if b.fails(position.Seq) {
			return errAway
		}
	}
	if b.handled == nil {
		b.handled = map[eventstream.Seq]bool{}
	}
	for _, position := range positions {
		b.handled[position.Seq] = true
	}
	return nil
}

// kinesisEvent tells of the commits from 1 to last, in records with the same
// sequence numbers.
func kinesisEvent(t interface{ Fatal(...any) }, last int) events.KinesisEvent {
	var event events.KinesisEvent
	for seq := 1; seq <= last; seq++ {
		data, err := commitrecord.Marshal(&commitrecord.Record{Table: table, Position: eventstream.Position{Stream: "user/4", Seq: eventstream.Seq(seq)}})
		if err != nil {
			t.Fatal(err)
		}
		event.Records = append(event.Records, events.KinesisEventRecord{
			EventSource: "aws:kinesis", Kinesis: events.KinesisRecord{Data: data, SequenceNumber: strconv.Itoa(seq)},
		})
	}
	return event
}

// What fails is answered with the lowest record that does; everything before it is
// handled, everything behind it given again.
func TestLowestFailedRecord(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		last := rapid.IntRange(1, 60).Draw(t, "records")
		failing := rapid.SliceOfDistinct(rapid.IntRange(1, 80), rapid.ID[int]).Draw(t, "failing")
		b := &bell{fails: func(seq eventstream.Seq) bool { return slices.Contains(failing, int(seq)) }}
		response := lambdafeed.New(b.ring, nil).Kinesis(context.Background(), kinesisEvent(t, last))
		lowest := last + 1
		for _, seq := range failing {
			lowest = min(lowest, seq)
		}
		var want []events.KinesisBatchItemFailure
		if lowest <= last {
			want = append(want, events.KinesisBatchItemFailure{ItemIdentifier: strconv.Itoa(lowest)})
		}
		if !slices.Equal(response.BatchItemFailures, want) {
			t.Fatalf("answered %v, want %v", response.BatchItemFailures, want)
		}
		for seq := 1; seq < lowest; seq++ {
			if !b.handled[eventstream.Seq(seq)] {
				t.Fatalf("%d was not handled, and is not given again", seq)
			}
		}
	})
}

// A store that is away fails a batch at its first record, with two calls.
func TestStoreAway(t *testing.T) {
	b := &bell{fails: func(eventstream.Seq) bool { return true }}
	response := lambdafeed.New(b.ring, nil).Kinesis(t.Context(), kinesisEvent(t, 1000))
	if want := []events.KinesisBatchItemFailure{{ItemIdentifier: "1"}}; !slices.Equal(response.BatchItemFailures, want) || b.calls != 2 {
		t.Errorf("answered %v after %d calls", response.BatchItemFailures, b.calls)
	}
}

// A store that hangs is answered for before the function is cut off: what is not
// answered would all be taken to have failed, or nothing of it.
func TestAnsweredBeforeTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hangs := func(ctx context.Context, _ []eventstream.Position) error {
			<-ctx.Done()
			return ctx.Err()
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		response := lambdafeed.New(hangs, nil).Kinesis(ctx, kinesisEvent(t, 100))
		if len(response.BatchItemFailures) != 1 || response.BatchItemFailures[0].ItemIdentifier != "1" {
			t.Errorf("answered %v", response.BatchItemFailures)
		}
		deadline, _ := ctx.Deadline()
		if left := time.Until(deadline); left < 2*time.Second {
			t.Errorf("answered %s before the deadline", left)
		}
	})
}

// A try that cannot be made in time is not made.
func TestNoTimeLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		b := &bell{fails: func(eventstream.Seq) bool { return false }}
		response := lambdafeed.New(b.ring, nil).Kinesis(ctx, kinesisEvent(t, 3))
		if len(response.BatchItemFailures) != 1 || response.BatchItemFailures[0].ItemIdentifier != "1" || b.calls != 0 {
			t.Errorf("answered %v after %d calls", response.BatchItemFailures, b.calls)
		}
	})
}

// Records that tell of no commit of the table are counted and left, and never what
// is answered.
func TestUnknownRecords(t *testing.T) {
	event := kinesisEvent(t, 3)
	other := strings.ReplaceAll(string(event.Records[1].Kinesis.Data), table, "other")
	event.Records[0].Kinesis.Data, event.Records[1].Kinesis.Data = []byte("no record"), []byte(other)
	b, unknown := &bell{fails: func(eventstream.Seq) bool { return true }}, 0
	response := lambdafeed.New(b.ring, &lambdafeed.Options{Table: table, OnUnknown: func(n int) { unknown += n }}).Kinesis(t.Context(), event)
	if len(response.BatchItemFailures) != 1 || response.BatchItemFailures[0].ItemIdentifier != "3" || unknown != 2 {
		t.Errorf("answered %v, %d unknown", response.BatchItemFailures, unknown)
	}
}

// streamRecord is a record of a table's stream as the runtime gives it.
func streamRecord(name, table, stream, number string) string {
	return fmt.Sprintf(`{"eventID":"1","eventVersion":"1.1","eventSource":"aws:dynamodb","eventName":%q,"awsRegion":"us-east-1",
		"eventSourceARN":"arn:aws:dynamodb:us-east-1:123456789012:table/%s/stream/2026-01-01T00:00:00.000",
		"dynamodb":{"Keys":{"p":{"S":%q},"s":{"N":%q}},"SequenceNumber":"10%s","SizeBytes":9,"StreamViewType":"KEYS_ONLY"}}`, name, table, stream, number, number)
}

// Of a table's stream the keys of items that were added are handed over.
func TestTableStream(t *testing.T) {
	payload := `{"Records":[` + strings.Join([]string{
		streamRecord("INSERT", table, "user/4", "1"), streamRecord("MODIFY", table, "user/4", "2"), streamRecord("REMOVE", table, "user/4", "3"),
		streamRecord("INSERT", "other", "user/4", "4"), streamRecord("INSERT", table, "user/4", "0"),
		strings.Replace(streamRecord("INSERT", table, "user/4", "5"), `{"S":"user/4"}`, `{"N":"4"}`, 1),
		streamRecord("INSERT", table, "user/4", "6"),
	}, ",") + `]}`
	b, unknown := &bell{fails: func(seq eventstream.Seq) bool { return seq == 6 }}, 0
	answer, err := lambdafeed.New(b.ring, &lambdafeed.Options{Table: table, OnUnknown: func(n int) { unknown += n }}).Invoke(t.Context(), []byte(payload))
	if err != nil || string(answer) != `{"batchItemFailures":[{"itemIdentifier":"106"}]}` {
		t.Errorf("answered %s, %v", answer, err)
	}
	if len(b.handled) != 1 || !b.handled[1] || unknown != 5 {
		t.Errorf("handled %v, %d unknown", b.handled, unknown)
	}
}

// What follows the views is told after a batch of which something was handled.
func TestHandled(t *testing.T) {
	for fails, want := range map[int]int{0: 1, 2: 1, 1: 0} {
		b, told := &bell{fails: func(seq eventstream.Seq) bool { return int(seq) == fails }}, 0
		lambdafeed.New(b.ring, &lambdafeed.Options{Handled: func(context.Context) { told++ }}).Kinesis(t.Context(), kinesisEvent(t, 2))
		if told != want {
			t.Errorf("told %d times where %d fails", told, fails)
		}
	}
}

func TestInvoke(t *testing.T) {
	b := &bell{fails: func(eventstream.Seq) bool { return false }}
	failure := error(nil)
	feed := lambdafeed.New(b.ring, &lambdafeed.Options{Scheduled: func(context.Context) error { return failure }})
	event, err := json.Marshal(kinesisEvent(t, 2))
	if err != nil {
		t.Fatal(err)
	}
	if answer, err := feed.Invoke(t.Context(), event); err != nil || string(answer) != `{"batchItemFailures":[]}` || len(b.handled) != 2 {
		t.Errorf("answered %s, %v, and handled %v", answer, err, b.handled)
	}
	const schedule = `{"source":"aws.events","detail-type":"Scheduled Event","detail":{}}`
	if _, err := feed.Invoke(t.Context(), []byte(schedule)); err != nil {
		t.Error(err)
	}
	failure = errAway
	if _, err := feed.Invoke(t.Context(), []byte(schedule)); !errors.Is(err, errAway) {
		t.Errorf("a schedule that fails is answered with %v", err)
	}
	for _, wrong := range []string{``, `[]`, `{"Records":[{"eventSource":"aws:s3"}]}`} {
		if answer, err := feed.Invoke(t.Context(), []byte(wrong)); err == nil {
			t.Errorf("%s is answered with %s", wrong, answer)
		}
	}
}
