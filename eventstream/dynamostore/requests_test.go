package dynamostore_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

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
		case *dynamodb.DescribeTableInput:
			text += "describe "
		default:
			text += strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%T", input), "*dynamodb."), "Input") + " "
		}
	}
	return strings.TrimSuffix(text, " ")
}

// created creates a user with so many claims.
func created(name string, claims int) eventstream.Transaction {
	tx := user(name)
	for i := range claims - 1 {
		tx.Entries = append(tx.Entries, entry(eventstream.ClaimStream("external", fmt.Sprint(name, i)), eventstream.Empty()))
	}
	return tx
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestRequests counts what each call costs, as docs/aws.md says.
func TestRequests(t *testing.T) {
	said := read(t, "../../docs/aws.md")
	table := newTable(t)
	store, w := wiredTo(t, table, nil)
	other, _ := wiredTo(t, table, nil)
	reads := func(name string) func() {
		return func() {
			if err := readWays[name](t.Context(), store); err != nil {
				t.Fatal(err)
			}
		}
	}
	write := func(entries ...eventstream.Entry) func() {
		return func() { mustAppend(t, store, transaction(entries...)) }
	}
	x := func(expect eventstream.Expect) eventstream.Entry { return entry("x", expect) }
	beaten := func(tx eventstream.Transaction) func() {
		return func() {
			if _, err := store.Append(t.Context(), tx); !errors.Is(err, eventstream.ErrConflict) {
				t.Fatalf("append: %v", err)
			}
		}
	}
	for _, step := range []struct {
		name string
		do   func()
		want string
	}{
		{"the first create of a process", func() { mustAppend(t, store, created("a", 1)) }, "describe query transact(3)"},
		{"a create with one claim", func() { mustAppend(t, store, created("b", 1)) }, "transact(3)"},
		{"a create with two claims", func() { mustAppend(t, store, created("c", 2)) }, "transact(4)"},
		{"a create with three claims", func() { mustAppend(t, store, created("d", 3)) }, "transact(5)"},
		{"a create whose claim is taken", beaten(created("d", 1)), "transact(3) query query"},
		{"a new stream", write(x(eventstream.Empty())), "put"},
		{"a change of what this process wrote or read last", write(x(eventstream.Exactly(1))), "put"},
		{"a write by another", func() { mustAppend(t, other, transaction(x(eventstream.Exactly(2)), entry("y", eventstream.Empty()))) }, ""},
		{"a change of what it does not know", write(x(eventstream.Exactly(3))), "query put"},
		{"a change that comes too late", beaten(transaction(x(eventstream.Exactly(3)))), "query query"},
		{"a change beside a check that there is another stream", write(x(eventstream.Exactly(4)), eventstream.Entry{Stream: "user/a", Expect: eventstream.Exists()}), "put"},
		{"a change beside a check of another stream's number", write(x(eventstream.Exactly(5)), eventstream.Entry{Stream: "user/a", Expect: eventstream.Exactly(1)}), "transact(2)"},
		{"a read of a stream, for each MiB of it", reads("read"), "query"},
		{"a read of a stream's last commit", reads("last"), "query"},
		{"what moved just now, with 2 slices", reads("recent"), ""},
		{"what moved since weeks ago, for each MiB of the table", reads("scan"), "Scan"},
	} {
		w.take()
		sliced := strings.Contains(step.name, "slices")
		if sliced {
			step.want = strings.TrimSpace(strings.Repeat("query ", 2*recentHours(time.Now())))
		}
		step.do()
		if got := requestsOf(w.take()); got != step.want {
			t.Errorf("%s sends %q, want %q", step.name, got, step.want)
		}
		row := fmt.Sprintf("\n| %s | `%s` |", step.name, step.want)
		if step.want != "" && !sliced && !strings.Contains(said, row) {
			t.Errorf("docs/aws.md does not have the row%s", row)
		}
	}
}

// recentHours is how many hours are looked at from now on, with overlap.
func recentHours(now time.Time) int {
	return int(now.Add(2*time.Hour).Truncate(time.Hour).Sub(now.Add(-2*time.Minute).Truncate(time.Hour))/time.Hour) + 1
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
