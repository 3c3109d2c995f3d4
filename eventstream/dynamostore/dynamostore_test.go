package dynamostore_test

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go/middleware"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/dynamostore"
	"github.com/seed5b6a70b4/identity/eventstream/storetest"
)

// cannot is what the backend does not promise.
var cannot = map[storetest.Feature]string{
	storetest.KnownHeads:  "heads have to be read",
	storetest.NumberedLog: "transactions have no common order",
	storetest.Observed:    "other processes write too",
	storetest.Queued:      "appends are requests of their own",
	storetest.OneInstant:  "DynamoDB shows the items of a transaction one by one",
}

// TestContract holds the store to the contract that all backends share, on a real
// server.
func TestContract(t *testing.T) {
	keepContract(t, func(*dynamodb.Options) {})
}

// TestContractWithFaults is the same over a connection on which every third write
// is throttled, in conflict with another transaction, or loses its reply.
func TestContractWithFaults(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute")
	}
	keepContract(t, (&weather{seen: map[string]bool{}}).options)
}

// fewerHistories are how many random histories are tried when nothing else is
// asked for: the server takes milliseconds for what memory does in microseconds.
const fewerHistories = "12"

func TestMain(m *testing.M) {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "rapid.checks" })
	if !given {
		if err := flag.Set("rapid.checks", fewerHistories); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
	}
	os.Exit(m.Run())
}

func keepContract(t *testing.T, between func(*dynamodb.Options)) {
	t.Parallel() // most of its time it waits
	tables := map[eventstream.Store]string{}
	open := func(t *testing.T, table string, options storetest.Options) eventstream.Store {
		store := &watched{Store: dynamostore.New(connect(t, between), table, &dynamostore.Options{Now: options.Now}), t: t, ledger: ledgerOf(table)}
		tables[store] = table
		return store
	}
	storetest.Run(t, storetest.Harness{
		Name: "dynamostore",
		New: func(t *testing.T, options storetest.Options) eventstream.Store {
			return open(t, newTable(t), options)
		},
		Reopen: func(t *testing.T, store eventstream.Store, options storetest.Options) eventstream.Store {
			if err := store.Close(); err != nil {
				t.Fatal(err)
			}
			return open(t, tables[store], options)
		},
		Cannot: cannot,
	})
}

// weather spoils the first sending of some requests: which, and how, their bytes
// tell.
type weather struct {
	mu   sync.Mutex
	seen map[string]bool
}

func (w *weather) options(o *dynamodb.Options) {
	(&wire{before: w.before, after: w.after}).options(o)
}

// fate is a number below 256 for a write that was not seen by the asker before,
// else 255.
func (w *weather) fate(asker string, input any) byte {
	key := ""
	switch input := input.(type) {
	case *dynamodb.PutItemInput:
		key = bytesOf(input.Item["h"])
	case *dynamodb.TransactWriteItemsInput:
		key = *input.ClientRequestToken
	default:
		return 255
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.seen[asker+key] {
		return 255
	}
	w.seen[asker+key] = true
	return sha256.Sum256([]byte(key))[0]
}

func (w *weather) before(_ int, input any) error {
	switch fate := w.fate("before", input); {
	case fate < 30:
		return apiError("ThrottlingException")
	case fate < 60:
		return cancelledBy("None", "TransactionConflict")
	}
	return nil
}

func (w *weather) after(_ int, input any, _ *middleware.InitializeOutput, err error) error {
	if fate := w.fate("after", input); fate < 85 {
		return errReply
	}
	return err
}
