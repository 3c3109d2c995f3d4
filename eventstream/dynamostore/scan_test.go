package dynamostore_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/dynamostore"
)

// A scan gives every commit as it was written, stream by stream and in order, over
// any number of pages, each of them consistent.
func TestScanGivesStreamsInOrder(t *testing.T) {
	store, w := wired(t, &dynamostore.Options{})
	written := map[eventstream.StreamID][]eventstream.Commit{}
	large := bytes.Repeat([]byte("x"), 60<<10)
	for seq := range eventstream.Seq(8) {
		for _, stream := range []eventstream.StreamID{"a", "b", "c"} {
			one := eventstream.Entry{Stream: stream, Expect: eventstream.Exactly(seq), Data: large}
			written[stream] = append(written[stream], mustAppend(t, store, transaction(one))...)
		}
	}
	w.sent = nil
	scanned, before := map[eventstream.StreamID][]eventstream.Commit{}, eventstream.StreamID("")
	for commit, err := range store.Scan(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if commit.Stream != before && len(scanned[commit.Stream]) > 0 {
			t.Errorf("%s comes back", commit.Stream)
		}
		before = commit.Stream
		scanned[commit.Stream] = append(scanned[commit.Stream], commit)
	}
	if diff := cmp.Diff(written, scanned); diff != "" {
		t.Errorf("not what was written: %.1000s", diff)
	}
	for _, input := range w.sent {
		if scan, ok := input.(*dynamodb.ScanInput); !ok || !aws.ToBool(scan.ConsistentRead) {
			t.Errorf("sent %T, or not consistent", input)
		}
	}
	if len(w.sent) < 2 {
		t.Error("all of it was one page")
	}
}

// A scan goes on behind what is no commit, names it, and checks no hash; At checks
// it.
func TestScanGoesOnBehindDamage(t *testing.T) {
	client, table := connect(t), "commits-"+uuid.NewString()
	if _, err := client.CreateTable(t.Context(), dynamostore.SlicedTable(table, 2)); err != nil {
		t.Fatal(err)
	}
	store := dynamostore.New(client, table, nil)
	defer store.Close()
	for seq := range eventstream.Seq(3) {
		mustAppend(t, store, transaction(entry("x", eventstream.Exactly(seq))))
	}
	damage := func(seq, name string, value types.AttributeValue) {
		_, err := client.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
			TableName: &table, Key: item{"p": &types.AttributeValueMemberS{Value: "x"}, "s": &types.AttributeValueMemberN{Value: seq}},
			UpdateExpression: aws.String("SET #n = :v"), ExpressionAttributeNames: map[string]string{"#n": name}, ExpressionAttributeValues: item{":v": value},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	damage("1", "g", &types.AttributeValueMemberS{Value: "nonsense"})
	damage("2", "d", &types.AttributeValueMemberB{Value: []byte("[]")})
	var good, bad []eventstream.Seq
	for commit, err := range store.Scan(t.Context()) {
		switch {
		case err == nil:
			good = append(good, commit.Seq)
		case errors.Is(err, eventstream.ErrCorrupt) && commit.Stream == "x":
			bad = append(bad, commit.Seq)
		default:
			t.Fatal(err)
		}
	}
	if !cmp.Equal(good, []eventstream.Seq{2, 3}) || !cmp.Equal(bad, []eventstream.Seq{1}) {
		t.Errorf("a scan gives %v, and %v are no commits", good, bad)
	}
	for seq, want := range map[eventstream.Seq]error{1: eventstream.ErrCorrupt, 2: eventstream.ErrCorrupt, 3: nil, 4: nil} {
		commit, err := store.At(t.Context(), eventstream.Position{Stream: "x", Seq: seq})
		if !errors.Is(err, want) || (seq == 3) != (commit.Seq == 3) {
			t.Errorf("at %d is %d, %v", seq, commit.Seq, err)
		}
	}
}
