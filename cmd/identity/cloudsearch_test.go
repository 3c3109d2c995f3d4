package main

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/queries/dynamoview"
	"github.com/seed5b6a70b4/identity/queries/elasticview"
	"github.com/seed5b6a70b4/identity/queries/viewtest"
)

// A row that cannot be read is refused by itself: documents of others are put.
func TestADamagedRowKeepsNoOtherOutOfTheIndex(t *testing.T) {
	w := newWorld(t, 0, "--search", elasticSearch)
	view := dynamoview.New(w.tables, dynamoview.Options{Table: w.names.Views})
	index, err := elasticview.New(elasticview.Options{URLs: []string{w.elastic.URL()}, Name: w.names.Index})
	if err != nil {
		t.Fatal(err)
	}
	history := viewtest.NewHistory(t)
	var streams []eventstream.StreamID
	for _, name := range []string{"homer", "marge"} {
		id := domain.UserID{UUID: uuid.New()}
		history.User(id, name)
		streams = append(streams, eventstream.UserStream(id.UUID))
		if err := view.Apply(t.Context(), history.Commits(streams[len(streams)-1])); err != nil {
			t.Fatal(err)
		}
	}
	damaged, _ := streams[0].UUID()
	rows, err := w.tables.Scan(t.Context(), &dynamodb.ScanInput{TableName: &w.names.Views})
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows.Items {
		if key, ok := row["s"].(*types.AttributeValueMemberS); ok && key.Value == damaged.String() {
			row["f"] = &types.AttributeValueMemberS{Value: "nothing that can be read"}
			if _, err := w.tables.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &w.names.Views, Item: row}); err != nil {
				t.Fatal(err)
			}
		}
	}
	refused, err := (&documents{view, index, nil}).push(t.Context(), streams)
	if err != nil || len(refused) != 1 || refused[streams[0]] == nil {
		t.Errorf("refused: %v, %v", refused, err)
	}
}
