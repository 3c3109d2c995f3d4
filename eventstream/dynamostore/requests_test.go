package dynamostore_test

import (
	"errors"
	"fmt"
	"net"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// smithyFault is the server's own failure.
type smithyFault struct{ smithy.GenericAPIError }

func (*smithyFault) ErrorCode() string             { return "InternalServerError" }
func (*smithyFault) ErrorFault() smithy.ErrorFault { return smithy.FaultServer }

var errDial = &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}

// lostThen loses the first write and fails all others.
func lostThen(err error) func(int, any) error {
	return func(write int, input any) error {
		switch {
		case !isWrite(input):
			return nil
		case write == 1:
			return errReply
		default:
			return err
		}
	}
}

func countWrites(sent []any) (writes int) {
	for _, input := range sent {
		if isWrite(input) {
			writes++
		}
	}
	return writes
}

// requestsOf names what was sent.
func requestsOf(sent []any) string {
	text := ""
	for _, input := range sent {
		switch input := input.(type) {
		case *dynamodb.PutItemInput:
			text += "put "
		case *dynamodb.TransactWriteItemsInput:
			text += fmt.Sprintf("transact(%d) ", len(input.TransactItems))
		case *dynamodb.QueryInput:
			text += "query "
		default:
			text += fmt.Sprintf("%T ", input)
		}
	}
	return text
}

// TestRequests counts what each call costs.
func TestRequests(t *testing.T) {
	table := newTable(t)
	store, w := wiredTo(t, table, nil)
	other, _ := wiredTo(t, table, nil)
	read := func(stream eventstream.StreamID) func() {
		return func() {
			for _, err := range store.Read(t.Context(), stream, 0) {
				if err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	write := func(entries ...eventstream.Entry) func() {
		return func() { mustAppend(t, store, transaction(entries...)) }
	}
	for _, step := range []struct {
		name string
		do   func()
		want string
	}{
		{"the first create", func() { mustAppend(t, store, user("a")) }, "query transact(3) "},
		{"a further create", func() { mustAppend(t, store, user("b")) }, "transact(3) "},
		{"a change of what was just written", write(entry("user/a", eventstream.Exactly(1))), "put "},
		{"a read", read("user/a"), "query "},
		{"a write by another", func() { mustAppend(t, other, transaction(entry("user/a", eventstream.Exactly(2)))) }, ""},
		{"a read of that", read("user/a"), "query "},
		{"a change after a read", write(entry("user/a", eventstream.Exactly(3))), "put "},
		{"a change beside a check of what is known", write(entry("user/a", eventstream.Exactly(4)), eventstream.Entry{Stream: "user/b", Expect: eventstream.Exists()}), "put "},
		{"a change beside a check of a number", write(entry("user/a", eventstream.Exactly(5)), eventstream.Entry{Stream: "user/b", Expect: eventstream.Exactly(1)}), "transact(2) "},
		{"last", func() { head(t, store, "user/a") }, "query "},
	} {
		w.take()
		step.do()
		if got := requestsOf(w.take()); got != step.want {
			t.Errorf("%s sends %q, want %q", step.name, got, step.want)
		}
	}
}

// fill writes commits so large that they take several pages.
func fill(t *testing.T, store eventstream.Store, stream eventstream.StreamID, n int) {
	t.Helper()
	for i := range n {
		e := entry(stream, eventstream.Exactly(eventstream.Seq(i)))
		e.Data = make([]byte, eventstream.MaxData)
		mustAppend(t, store, transaction(e))
	}
}

func TestEveryPageIsReadConsistently(t *testing.T) {
	store, w := wired(t, nil)
	fill(t, store, "x", 40)
	w.take()
	read := 0
	for _, err := range store.Read(t.Context(), "x", 0) {
		if err != nil {
			t.Fatal(err)
		}
		read++
	}
	head(t, store, "x")
	sent := w.take()
	if read != 40 || len(sent) < 4 {
		t.Fatalf("%d commits by %d requests; the test needs several pages", read, len(sent))
	}
	for i, input := range sent {
		if query := input.(*dynamodb.QueryInput); query.ConsistentRead == nil || !*query.ConsistentRead {
			t.Errorf("request %d is not consistent", i)
		}
	}
}

// hide takes the commit of a number out of what the first n queries show.
func hide(n int, seq string) func(int, any, *middleware.InitializeOutput, error) error {
	return func(_ int, _ any, result *middleware.InitializeOutput, err error) error {
		output, ok := result.Result.(*dynamodb.QueryOutput)
		if n--; !ok || n < 0 {
			return err
		}
		for i := range output.Items {
			if fmt.Sprint(valueOf(output.Items[i]["s"])) == seq {
				output.Items = append(output.Items[:i:i], output.Items[i+1:]...)
				break
			}
		}
		return err
	}
}

// TestAGapIsLookedAtAgain: of a transaction that is being shown, a later commit of
// a stream may show first.
func TestAGapIsLookedAtAgain(t *testing.T) {
	store, w := wired(t, nil)
	for i := range 5 {
		mustAppend(t, store, transaction(entry("x", eventstream.Exactly(eventstream.Seq(i)))))
	}
	for _, test := range []struct {
		hidden  int
		commits int
		err     error
	}{{1, 5, nil}, {3, 5, nil}, {1000, 2, eventstream.ErrCorrupt}} {
		w.set(nil, hide(test.hidden, "3"))
		commits := 0
		var failure error
		for _, err := range store.Read(t.Context(), "x", 0) {
			if failure = err; err == nil {
				commits++
			}
		}
		if commits != test.commits || !errors.Is(failure, test.err) {
			t.Errorf("hidden %d times: %d commits, %v; want %d, %v", test.hidden, commits, failure, test.commits, test.err)
		}
	}
}
