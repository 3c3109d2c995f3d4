// Package commitrecord is the shape of the records that tell of commits: that of
// DynamoDB's own integration with Kinesis. Only the keys of an item are read, so
// that it does not matter whether a record holds the item too.
package commitrecord

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// Insert is the name of the event that an item was added: commits are never
// changed nor removed.
const Insert = "INSERT"

// Record tells of a commit.
type Record struct {
	// Table is the name of the table of commits.
	Table  string
	Region string
	// Time is about when the commit was written, or this was told.
	Time     time.Time
	Position eventstream.Position
}

type wire struct {
	Region   string    `json:"awsRegion"`
	ID       string    `json:"eventID"`
	Event    string    `json:"eventName"`
	Identity *struct{} `json:"userIdentity"`
	Format   string    `json:"recordFormat"`
	Table    string    `json:"tableName"`
	Change   change    `json:"dynamodb"`
	Source   string    `json:"eventSource"`
}

type change struct {
	Time      int64  `json:"ApproximateCreationDateTime"`
	Keys      keys   `json:"Keys"`
	Size      int    `json:"SizeBytes"`
	Precision string `json:"ApproximateCreationDateTimePrecision"`
}

type keys struct {
	Stream struct {
		S string `json:"S"`
	} `json:"p"`
	Number struct {
		N string `json:"N"`
	} `json:"s"`
}

// Marshal writes a record. The same commit of the same table has the same event
// id, however often it is told of.
func Marshal(r *Record) ([]byte, error) {
	w := wire{
		Region: r.Region, Event: Insert, Format: "application/json", Table: r.Table, Source: "aws:dynamodb",
		Change: change{Time: r.Time.UnixMilli(), Precision: "MILLISECOND"},
	}
	number := strconv.FormatUint(uint64(r.Position.Seq), 10)
	w.Change.Keys.Stream.S, w.Change.Keys.Number.N = string(r.Position.Stream), number
	w.Change.Size = len("p") + len(r.Position.Stream) + len("s") + len(number)/2 + 2
	id := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%s", r.Table, r.Position.Stream, number))
	w.ID = hex.EncodeToString(id[:16])
	data, err := json.Marshal(&w)
	if err != nil {
		return nil, fmt.Errorf("write the record of a commit: %w", err)
	}
	return data, nil
}

// Parse reads a record as Marshal or DynamoDB wrote it. Whatever does not tell of
// a new commit is answered with false. The region and the time are not read.
func Parse(data []byte) (Record, bool) {
	var w struct {
		Event  string `json:"eventName"`
		Table  string `json:"tableName"`
		Change struct {
			Keys keys `json:"Keys"`
		} `json:"dynamodb"`
		Source string `json:"eventSource"`
	}
	if err := json.Unmarshal(data, &w); err != nil || w.Event != Insert || w.Source != "aws:dynamodb" {
		return Record{}, false
	}
	position, ok := Position(w.Change.Keys.Stream.S, w.Change.Keys.Number.N)
	return Record{Table: w.Table, Position: position}, ok
}

// Position gives what the keys p and s of an item say. If they are not those of a
// commit, it answers false.
func Position(stream, number string) (eventstream.Position, bool) {
	seq, err := strconv.ParseUint(number, 10, 64)
	if err != nil || seq == 0 || stream == "" || len(stream) > eventstream.MaxStreamID {
		return eventstream.Position{}, false
	}
	return eventstream.Position{Stream: eventstream.StreamID(stream), Seq: eventstream.Seq(seq)}, true
}
