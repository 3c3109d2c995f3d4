package audit_test

import (
	"context"
	"reflect"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/seed5b6a70b4/identity/commands"
	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/dynamostore"
	"github.com/seed5b6a70b4/identity/internal/audit"
	"github.com/seed5b6a70b4/identity/internal/testservers"
	"github.com/seed5b6a70b4/identity/queries/dynamoview"
	querysync "github.com/seed5b6a70b4/identity/sync"
)

// item is an item of a table, or a key of one.
type item = map[string]types.AttributeValue

// cloud is a directory in tables of its own.
type cloud struct {
	directory
	client        *dynamodb.Client
	events, views string
	table         *dynamostore.Store
	view          *dynamoview.View
	changes       *querysync.Changes
	synchroniser  *querysync.Synchroniser
}

func newCloud(t *testing.T) *cloud {
	t.Helper()
	endpoint := testservers.DynamoDB(t)
	c := &cloud{events: "events-" + uuid.NewString(), views: "views-" + uuid.NewString()}
	c.client = dynamodb.New(dynamodb.Options{Region: "us-east-1", BaseEndpoint: &endpoint, Credentials: aws.CredentialsProviderFunc(anybody)})
	for _, table := range []*dynamodb.CreateTableInput{dynamostore.SlicedTable(c.events, 2), dynamoview.Table(c.views)} {
		made, err := c.client.CreateTable(t.Context(), table)
		must(t, made, err)
		t.Cleanup(func() {
			_, _ = c.client.DeleteTable(context.WithoutCancel(t.Context()), &dynamodb.DeleteTableInput{TableName: table.TableName})
		})
	}
	c.table = dynamostore.New(c.client, c.events, nil)
	t.Cleanup(func() { _ = c.table.Close() })
	c.streams = eventstream.New(c.table, nil)
	c.open(t, 4)
	c.changes = querysync.NewChanges(c.streams, 2)
	c.view = dynamoview.New(c.client, dynamoview.Options{Table: c.views, Buckets: 2, Position: c.changes.Heads})
	var err error
	c.synchroniser, err = querysync.New(c.streams, []querysync.View{c.view}, &querysync.Options{Changes: c.changes})
	must(t, c.synchroniser, err)
	return c
}

func anybody(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
}

// follow brings the view to where the streams are.
func (c *cloud) follow(t *testing.T) {
	t.Helper()
	var all []eventstream.Position
	for commit, err := range c.table.Scan(t.Context()) {
		must(t, commit, err)
		all = append(all, commit.Position())
	}
	if err := c.synchroniser.Handle(t.Context(), all); err != nil {
		t.Fatal(err)
	}
}

func (c *cloud) subject() audit.Subject {
	return audit.Subject{
		// Opened anew: what a store remembers of heads is not what is audited.
		Store: dynamostore.New(c.client, c.events, nil), Secret: secret, View: c.view, Heads: c.changes.Heads,
		Notices: querysync.DecodePositions,
	}
}

// audit gives what is found so long after everything was written.
func (c *cloud) audit(t *testing.T, patience, later time.Duration) (audit.Report, []audit.Finding) {
	t.Helper()
	var all []audit.Finding
	report, err := audit.Run(t.Context(), c.subject(), audit.Options{Patience: patience, Now: func() time.Time { return time.Now().Add(later) }, Found: func(f audit.Finding) { all = append(all, f) }})
	return must(t, report, err), all
}

// all are the items of a table.
func (c *cloud) all(t *testing.T, table string) (items []item) {
	t.Helper()
	pages := dynamodb.NewScanPaginator(c.client, &dynamodb.ScanInput{TableName: &table})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		items = append(items, must(t, page, err).Items...)
	}
	return items
}

func (c *cloud) get(t *testing.T, table string, key item) item {
	t.Helper()
	got, err := c.client.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &table, Key: key, ConsistentRead: aws.Bool(true)})
	if must(t, got, err).Item == nil {
		t.Fatalf("%s has no %v", table, key)
	}
	return got.Item
}

func (c *cloud) put(t *testing.T, table string, one item) {
	t.Helper()
	done, err := c.client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &table, Item: one})
	must(t, done, err)
}

func (c *cloud) remove(t *testing.T, table string, key item) {
	t.Helper()
	c.get(t, table, key)
	done, err := c.client.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &table, Key: key})
	must(t, done, err)
}

// An audit of what commands wrote and a synchroniser followed finds nothing.
func TestNothingIsFoundInTables(t *testing.T) {
	c := newCloud(t)
	c.fill(t)
	c.follow(t)
	later, found := c.audit(t, time.Millisecond, time.Hour)
	if len(found) > 0 {
		t.Error("later:", found)
	}
	report, found := c.audit(t, time.Millisecond, 0)
	if len(found) > 0 {
		t.Error(found)
	}
	if !reflect.DeepEqual(report, later) {
		t.Errorf("later the audit went over %+v", later)
	}
	if report.Users != 3 || report.Groups != 4 || report.Memberships != 7 || report.Keys != 2 || report.Claims != 11 || report.Rows != 16 || report.Commits == 0 || report.Transactions == 0 {
		t.Errorf("the audit went over %+v", report)
	}
}

// While the directory is written to and followed, an audit finds nothing.
func TestNothingIsFoundWhileTablesAreWrittenTo(t *testing.T) {
	c := newCloud(t)
	c.fill(t)
	c.follow(t)
	const turns = 5
	told := make(chan []eventstream.Position, 5*turns) // the feed is late
	var busy errgroup.Group
	busy.Go(func() error {
		for positions := range told {
			if err := c.synchroniser.Handle(t.Context(), positions); err != nil {
				return err
			}
		}
		return nil
	})
	written := make(chan struct{})
	busy.Go(func() error {
		defer close(written)
		defer close(told)
		for range turns {
			if err := c.change(t.Context(), told); err != nil {
				return err
			}
		}
		return nil
	})
	for later := time.Duration(0); ; later = time.Hour - later {
		if report, found := c.audit(t, time.Minute, later); len(found) > 0 {
			t.Errorf("%+v: %v", report, found)
		}
		select {
		case <-written:
			if err := busy.Wait(); err != nil {
				t.Error(err)
			}
			return
		default:
		}
	}
}

// change makes a user, puts it into a group, renames it, and removes it again, and
// tells what was written.
func (c *cloud) change(ctx context.Context, told chan<- []eventstream.Position) error {
	do := func(command commands.Command) (commands.Result, error) {
		result, err := c.handler.Do(ctx, commands.Request{Actor: "test", Correlation: "test"}, command)
		if err == nil {
			told <- append([]eventstream.Position(nil), result.Wrote...)
		}
		return result, err
	}
	username, err := domain.ParseUsername("u" + uuid.NewString())
	if err != nil {
		return err
	}
	made, err := do(commands.CreateUser{Username: username, Active: true})
	if err != nil {
		return err
	}
	user := made.User.ID
	if username, err = domain.ParseUsername("v" + uuid.NewString()); err != nil {
		return err
	}
	for _, command := range []commands.Command{
		commands.AddMember{Group: c.outer, Member: user.UUID},
		commands.UpdateUser{ID: user, Username: commands.To(username)},
		commands.UpdateUser{ID: c.homer, Active: commands.To(username.String()[1] < '8')},
		commands.DeleteUser{ID: user},
	} {
		if _, err := do(command); err != nil {
			return err
		}
	}
	return nil
}

// An index that has not handled the change feed is found, one that soon has is not.
func TestLateIndexIsFound(t *testing.T) {
	c := newCloud(t)
	c.user(t, "homer")
	c.follow(t)
	for name, late := range map[string]int{"late": 3, "never": 1 << 30} {
		subject, asked := c.subject(), 0
		subject.Reached = map[string]func(context.Context) (eventstream.Token, error){"index": func(ctx context.Context) (eventstream.Token, error) {
			if asked++; asked <= late {
				return nil, nil
			}
			return c.changes.Heads(ctx)
		}}
		report, err := audit.Run(t.Context(), subject, audit.Options{Patience: time.Millisecond})
		if must(t, report, err); (report.Drift > 0) != (name == "never") {
			t.Errorf("of an index that is %s is found %+v", name, report)
		}
	}
}
