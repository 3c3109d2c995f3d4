package commitrecord_test

import (
	"strings"
	"testing"
	"time"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/sync/commitrecord"
)

// theirs is a record as DynamoDB writes it to Kinesis.
const theirs = `{"awsRegion":"eu-west-1","eventID":"f1c2d3e4-0000-4000-8000-123456789abc","eventName":"INSERT","userIdentity":null,
"recordFormat":"application/json","tableName":"commits","dynamodb":{"ApproximateCreationDateTime":1700000000123456,
"Keys":{"s":{"N":"7"},"p":{"S":"user/0190"}},"NewImage":{"s":{"N":"7"},"p":{"S":"user/0190"},"d":{"B":"e30="},"at":{"N":"5"}},
"SizeBytes":59,"ApproximateCreationDateTimePrecision":"MICROSECOND"},"eventSource":"aws:dynamodb"}`

func TestWhatDynamoDBWritesIsRead(t *testing.T) {
	got, ok := commitrecord.Parse([]byte(theirs))
	if want := (eventstream.Position{Stream: "user/0190", Seq: 7}); !ok || got.Position != want || got.Table != "commits" {
		t.Errorf("%+v, %v", got, ok)
	}
}

func TestWhatTellsOfNoCommitIsUnknown(t *testing.T) {
	for name, change := range map[string][2]string{
		"a change":                {`"INSERT"`, `"MODIFY"`},
		"a removal":               {`"INSERT"`, `"REMOVE"`},
		"another source":          {`"aws:dynamodb"`, `"aws:s3"`},
		"no stream":               {`"p":{"S":"user/0190"}},"New`, `"p":{"S":""}},"New`},
		"a stream that is none":   {`"p":{"S":"user/0190"}},"New`, `"p":{"N":"5"}},"New`},
		"the number 0":            {`{"s":{"N":"7"},"p":{"S":"user/0190"}},"New`, `{"s":{"N":"0"},"p":{"S":"user/0190"}},"New`},
		"a number below 0":        {`{"s":{"N":"7"},"p":{"S":"user/0190"}},"New`, `{"s":{"N":"-7"},"p":{"S":"user/0190"}},"New`},
		"a number that is text":   {`{"s":{"N":"7"},"p":{"S":"user/0190"}},"New`, `{"s":{"S":"7"},"p":{"S":"user/0190"}},"New`},
		"a number that is larger": {`{"s":{"N":"7"},"p":{"S":"user/0190"}},"New`, `{"s":{"N":"18446744073709551616"},"p":{"S":"user/0190"}},"New`},
		"a stream that is longer": {`"p":{"S":"user/0190"}},"New`, `"p":{"S":"` + strings.Repeat("x", eventstream.MaxStreamID+1) + `"}},"New`},
		"no UTF-8":                {`user/0190`, "user/\xff"},
		"a part of it":            {`"eventSource":"aws:dynamodb"}`, ``},
	} {
		changed := strings.ReplaceAll(theirs, change[0], change[1])
		if got, ok := commitrecord.Parse([]byte(changed)); ok || changed == theirs {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestTheShape(t *testing.T) {
	r := commitrecord.Record{Table: "commits", Region: "eu-west-1", Time: time.UnixMilli(1700000000123), Position: eventstream.Position{Stream: "nesting", Seq: 12}}
	const want = `{"awsRegion":"eu-west-1","eventID":"ID","eventName":"INSERT","userIdentity":null,"recordFormat":"application/json","tableName":"commits",` +
		`"dynamodb":{"ApproximateCreationDateTime":1700000000123,"Keys":{"p":{"S":"nesting"},"s":{"N":"12"}},"SizeBytes":12,"ApproximateCreationDateTimePrecision":"MILLISECOND"},"eventSource":"aws:dynamodb"}`
	first, err := commitrecord.Marshal(&r)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(first), `"eventID":"`)
	id, _, _ := strings.Cut(rest, `"`)
	if got := strings.Replace(string(first), id, "ID", 1); got != want || len(id) != 32 {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	r.Time = r.Time.Add(time.Hour)
	again, err := commitrecord.Marshal(&r)
	if err != nil || !strings.Contains(string(again), id) {
		t.Errorf("another time it is another event: %s (%v)", again, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(theirs))
	f.Add([]byte(`{"eventName":"INSERT","eventSource":"aws:dynamodb","dynamodb":{"Keys":{"p":{"S":"\u0000"},"s":{"N":"+1"}}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, ok := commitrecord.Parse(data)
		if !ok {
			return
		}
		if got.Position.Seq == 0 || got.Position.Stream == "" || len(got.Position.Stream) > eventstream.MaxStreamID {
			t.Fatalf("no commit has the position %+v", got.Position)
		}
		written, err := commitrecord.Marshal(&got)
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		if again, ok := commitrecord.Parse(written); !ok || again != got {
			t.Fatalf("read as %+v, written and read again as %+v", got, again)
		}
	})
}
