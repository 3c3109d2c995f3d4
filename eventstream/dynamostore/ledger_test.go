package dynamostore_test

import (
	"context"
	"fmt"
	"reflect"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/dynamostore"
)

type item = map[string]types.AttributeValue

// ledger remembers every item that it ever saw in a table.
type ledger struct {
	client *dynamodb.Client
	table  string

	mu   sync.Mutex
	seen map[string]item
}

// ledgers are those of the tables that tests have made, by name.
var ledgers sync.Map

func newLedger(client *dynamodb.Client, table string) *ledger {
	l := &ledger{client: client, table: table, seen: map[string]item{}}
	ledgers.Store(table, l)
	return l
}

func ledgerOf(table string) *ledger {
	l, _ := ledgers.Load(table)
	return l.(*ledger)
}

// look reads the whole table; it fails if an item that was seen before is gone or
// is another.
func (l *ledger) look(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	there := map[string]item{}
	pages := dynamodb.NewScanPaginator(l.client, &dynamodb.ScanInput{TableName: &l.table, ConsistentRead: aws.Bool(true)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("read the whole table: %w", err)
		}
		for _, i := range page.Items {
			there[stringOf(i["p"])+"#"+valueOf(i["s"])] = i
		}
	}
	for key, before := range l.seen {
		switch now, ok := there[key]; {
		case !ok:
			return fmt.Errorf("the commit %q is gone", key)
		case !reflect.DeepEqual(before, now):
			return fmt.Errorf("the commit %q was %v and is %v", key, before, now)
		}
	}
	l.seen = there
	return nil
}

// watched is a store whose table is looked at now and then while it is written to.
type watched struct {
	*dynamostore.Store
	t       *testing.T
	ledger  *ledger
	mu      sync.Mutex
	appends int
}

const looksEvery = 20

func (w *watched) Append(ctx context.Context, tx eventstream.Transaction) ([]eventstream.Commit, error) {
	w.mu.Lock()
	w.appends++
	due := w.appends%looksEvery == 0
	w.mu.Unlock()
	if due {
		if err := w.ledger.look(context.WithoutCancel(ctx)); err != nil {
			w.t.Error(err)
		}
	}
	return w.Store.Append(ctx, tx)
}

func TestALedgerSeesWhatIsChanged(t *testing.T) {
	for name, change := range map[string]func(*dynamodb.Client, *string) error{
		"changed": func(client *dynamodb.Client, table *string) error {
			_, err := client.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
				TableName: table, Key: item{"p": &types.AttributeValueMemberS{Value: "user/a"}, "s": &types.AttributeValueMemberN{Value: "1"}},
				UpdateExpression: aws.String("SET extra = :x"), ExpressionAttributeValues: item{":x": &types.AttributeValueMemberS{Value: "x"}},
			})
			return err
		},
		"removed": func(client *dynamodb.Client, table *string) error {
			_, err := client.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{
				TableName: table, Key: item{"p": &types.AttributeValueMemberS{Value: "users/0"}, "s": &types.AttributeValueMemberN{Value: "1"}},
			})
			return err
		},
	} {
		table := newTable(t)
		store, _ := wiredTo(t, table, nil)
		client := connect(t)
		l := &ledger{client: client, table: table}
		mustAppend(t, store, user("a"))
		if err := l.look(t.Context()); err != nil || len(l.seen) != 3 {
			t.Fatalf("%s: %d items, %v", name, len(l.seen), err)
		}
		mustAppend(t, store, user("b"))
		if err := l.look(t.Context()); err != nil || len(l.seen) != 6 {
			t.Fatalf("%s: %d items, %v", name, len(l.seen), err)
		}
		if err := change(client, &table); err != nil {
			t.Fatal(err)
		}
		if err := l.look(t.Context()); err == nil {
			t.Errorf("a commit that was %s is not seen", name)
		}
	}
}
