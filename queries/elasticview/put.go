package elasticview

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"

	"github.com/elastic/go-elasticsearch/v8/esapi"
	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/queries"
)

// Limits of one request, and of trying again what may pass.
const (
	bulkDocuments = 1000
	bulkBytes     = 4 << 20
	attempts      = 5
	firstPause    = 50 * time.Millisecond
	longestPause  = 2 * time.Second
)

// Refused is a document that Elasticsearch does not take, however often.
type Refused struct {
	Kind     domain.MemberKind
	ID       uuid.UUID
	Revision uint64
	Status   int
	Reason   string // the kind of the error
}

// RefusedError says which documents were refused; all others of the call were
// taken. It is eventstream.ErrParked.
type RefusedError struct{ Documents []Refused }

func (e *RefusedError) Error() string {
	first := e.Documents[0]
	return fmt.Sprintf("Elasticsearch refuses %d documents, first that of %s %s at revision %d: %d %s",
		len(e.Documents), first.Kind, first.ID, first.Revision, first.Status, first.Reason)
}

func (e *RefusedError) Unwrap() error { return eventstream.ErrParked }

// entry is a document on its way.
type entry struct {
	document *queries.Document
	lines    []byte // as a bulk request has it
}

// Put takes documents in, and returns when searches see them. Those whose revision
// is not above the one the index has are passed over; removed ones are kept as
// such. What may pass is tried again a few times, within ctx; it is
// eventstream.ErrUnavailable if that does not help. Documents that are refused do
// not keep others out: the error is a *RefusedError then. After any other error
// some documents may have been taken; putting all of them again does no harm.
func (x *Index) Put(ctx context.Context, documents []queries.Document) error {
	return x.put(ctx, documents, "external")
}

// put takes documents in whose revision is above the one that is there, or, by
// the other rule, not below it.
func (x *Index) put(ctx context.Context, documents []queries.Document, rule string) error {
	lacks, err := x.lacking(ctx)
	if err != nil {
		return fmt.Errorf("index documents: %w", err)
	}
	entries, err := newEntries(documents, rule, lacks)
	if err != nil {
		return err
	}
	var refused []Refused
	bulks := bulksOf(entries)
	refresh := "wait_for"
	if len(bulks) > 1 {
		refresh = "false" // but once, at the end
	}
	unseen := len(bulks) > 1
	for _, bulk := range bulks {
		more, there, err := x.putBulk(ctx, bulk, refresh)
		if err != nil {
			return fmt.Errorf("index documents: %w", err)
		}
		refused = append(refused, more...)
		unseen = unseen || there
	}
	if unseen {
		if err := x.refresh(ctx); err != nil {
			return fmt.Errorf("index documents: show them: %w", err)
		}
	}
	if len(refused) > 0 {
		return fmt.Errorf("index documents: %w", &RefusedError{refused})
	}
	return nil
}

// newEntries writes documents down as a bulk request has them.
func newEntries(documents []queries.Document, rule string, lacks map[string]bool) ([]entry, error) {
	entries := make([]entry, len(documents))
	for i := range documents {
		d := &documents[i]
		if d.Kind != domain.UserMember && d.Kind != domain.GroupMember || d.Revision > math.MaxInt64 {
			return nil, fmt.Errorf("index a document: %w: of no kind, or of no revision", domain.Invalid)
		}
		action := object{"index": object{"_id": d.ID, "version": d.Revision, "version_type": rule}}
		first, err := json.Marshal(action)
		if err != nil {
			return nil, fmt.Errorf("index a document: %w", err)
		}
		second, err := written(d, lacks)
		if err != nil {
			return nil, fmt.Errorf("index a document: %w", err)
		}
		entries[i] = entry{d, slices.Concat(first, []byte{'\n'}, second, []byte{'\n'})}
	}
	return entries, nil
}

// bulksOf cuts entries into requests.
func bulksOf(entries []entry) (bulks [][]entry) {
	begin, size := 0, 0
	for i, e := range entries {
		if i > begin && (i-begin == bulkDocuments || size+len(e.lines) > bulkBytes) {
			bulks = append(bulks, entries[begin:i])
			begin, size = i, 0
		}
		size += len(e.lines)
	}
	if begin < len(entries) {
		bulks = append(bulks, entries[begin:])
	}
	return bulks
}

// refresh shows searches what was taken in before, by whomever.
func (x *Index) refresh(ctx context.Context) error {
	var answer struct {
		Shards struct {
			Failed int `json:"failed"`
		} `json:"_shards"`
	}
	err := x.client.call(ctx, esapi.IndicesRefreshRequest{Index: []string{x.target}, FilterPath: []string{"_shards.failed"}}, &answer)
	if err == nil && answer.Shards.Failed > 0 {
		err = fmt.Errorf("%w: %d shards were not refreshed", eventstream.ErrUnavailable, answer.Shards.Failed)
	}
	return err
}

// putBulk makes a request again with what may yet be taken, until all is decided.
// It tells whether some of it was there before. For what others put, who may wait
// for it still, Elasticsearch does not wait.
func (x *Index) putBulk(ctx context.Context, entries []entry, refresh string) (refused []Refused, there bool, err error) {
	for attempt := range attempts {
		if attempt > 0 {
			if ended := pause(ctx, attempt); ended != nil {
				return nil, there, fmt.Errorf("%w while waiting after: %w", ended, err)
			}
		}
		var items []item
		if items, err = x.send(ctx, entries, refresh); err != nil {
			if !errors.Is(err, eventstream.ErrUnavailable) || ctx.Err() != nil {
				return nil, there, err
			}
			continue
		}
		var again []entry
		for i, item := range items {
			switch {
			case item.Status < 300:
			case item.wasThere():
				there = true
			case isPassing(item.Status):
				again = append(again, entries[i])
				err = &answerError{item.Status, item.Error.Type}
			case item.Status == http.StatusNotFound:
				return nil, there, fmt.Errorf("%w: %s", ErrNoIndex, x.target)
			default:
				d := entries[i].document
				refused = append(refused, Refused{d.Kind, d.ID, d.Revision, item.Status, item.Error.Type})
			}
		}
		if len(again) == 0 {
			return refused, there, nil
		}
		entries = again
	}
	return nil, there, fmt.Errorf("after %d attempts: %w", attempts, err)
}

// item is what became of one document.
type item struct {
	Status int     `json:"status"`
	Error  failure `json:"error"`
}

// wasThere tells whether the index had the document before, in this revision or a
// later.
func (i item) wasThere() bool {
	return i.Status == http.StatusConflict && i.Error.Type == "version_conflict_engine_exception"
}

func (x *Index) send(ctx context.Context, entries []entry, refresh string) ([]item, error) {
	var body bytes.Buffer
	for _, e := range entries {
		body.Write(e.lines)
	}
	var answer struct {
		Items []struct {
			Index item `json:"index"`
		} `json:"items"`
	}
	isAlias := x.target == x.options.Name // or else an index of that name would be made
	err := x.client.call(ctx, esapi.BulkRequest{
		Index: x.target, Body: bytes.NewReader(body.Bytes()), Refresh: refresh, RequireAlias: &isAlias,
		FilterPath: []string{"items.*.status", "items.*.error.type"},
	}, &answer)
	if err != nil {
		return nil, err
	}
	if len(answer.Items) != len(entries) {
		return nil, fmt.Errorf("%d answers to %d documents", len(answer.Items), len(entries))
	}
	items := make([]item, len(entries))
	for i := range items {
		if items[i] = answer.Items[i].Index; items[i].Status == 0 {
			return nil, errors.New("an answer without a status")
		}
	}
	return items, nil
}

// pause waits before another attempt, long enough for others to be done.
func pause(ctx context.Context, attempt int) error {
	timer := time.NewTimer(rand.N(min(firstPause<<attempt, longestPause)))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
