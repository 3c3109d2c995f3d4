package elasticview

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"iter"
	"net/http"
	"slices"
	"strconv"

	"github.com/elastic/go-elasticsearch/v8/esapi"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/queries"
)

var _ queries.Inventory = (*Index)(nil)

// ErrUnreadable says that a generation was made by a build that could not read
// documents back. It must be filled again, as another generation.
var ErrUnreadable = errors.New("the search index was made so that its documents cannot be read")

// heldFields are all fields of a document but removed.
var heldFields = []string{"kind", "words", "logins", "hosts", "active", "groups", "attributes", "id", "name", "username", "created"}

var heldSeed = maphash.MakeSeed()

// Fields implements queries.Inventory.
func (x *Index) Fields() []string { return heldFields }

// kept is a document as it is read back: what it says by field, in no order and
// nothing twice.
type kept struct {
	ID      uuid.UUID        `json:"_id"`
	Version uint64           `json:"_version"`
	Fields  map[string][]any `json:"fields"`
	Sort    []jsontext.Value `json:"sort"`
}

func (k *kept) held() queries.Held {
	held := queries.Held{ID: k.ID, Revision: k.Version, Removed: len(k.Fields["removed"]) > 0}
	if kind := k.Fields["kind"]; len(kind) > 0 {
		held.Kind = domain.MemberKind(textOf(kind[0]))
	}
	if held.Removed {
		return held
	}
	held.Sums = make([]uint64, len(heldFields))
	for i, field := range heldFields {
		held.Sums[i] = sumOf(k.Fields[field])
	}
	return held
}

// sumOf stands for a set of values; nothing and an empty text are the same.
func sumOf(values []any) (sum uint64) {
	texts := make([]string, len(values))
	for i, value := range values {
		texts[i] = textOf(value)
	}
	slices.Sort(texts)
	for _, text := range slices.Compact(texts) {
		if text != "" {
			sum += maphash.String(heldSeed, text)
		}
	}
	return sum
}

func textOf(value any) string {
	if number, is := value.(float64); is {
		return strconv.FormatFloat(number, 'f', -1, 64)
	}
	return fmt.Sprint(value)
}

// Made implements queries.Inventory.
func (x *Index) Made(document *queries.Document) (queries.Held, error) {
	raw, err := json.Marshal(newStored(document))
	if err != nil {
		return queries.Held{}, fmt.Errorf("make a document: %w", err)
	}
	var fields map[string]any
	if err := json.Unmarshal(raw, &fields); err != nil {
		return queries.Held{}, fmt.Errorf("make a document: %w", err)
	}
	made := kept{ID: document.ID, Version: document.Revision, Fields: make(map[string][]any, len(fields))}
	for name, value := range fields {
		if several, are := value.([]any); are {
			made.Fields[name] = several
		} else {
			made.Fields[name] = []any{value}
		}
	}
	held := made.held()
	held.Kind = document.Kind
	return held, nil
}

// Limits of reading everything.
const (
	heldPage = 1000
	heldTime = "2m" // how long a page may take to be worked on
)

// Holdings implements queries.Inventory: all pages are of one instant.
func (x *Index) Holdings(ctx context.Context) iter.Seq2[queries.Held, error] {
	return func(yield func(queries.Held, error) bool) {
		var begun struct {
			ID string `json:"id"`
		}
		if err := x.client.call(ctx, esapi.OpenPointInTimeRequest{Index: []string{x.target}, KeepAlive: heldTime}, &begun); err != nil {
			yield(queries.Held{}, fmt.Errorf("read the search index: %w", x.missing(err)))
			return
		}
		defer x.release(ctx, begun.ID)
		request := object{"pit": object{"id": begun.ID, "keep_alive": heldTime}, "sort": []string{"_shard_doc"}}
		for {
			page, err := x.keptOf(ctx, nil, request)
			if err != nil {
				yield(queries.Held{}, fmt.Errorf("read the search index: %w", err))
				return
			}
			for i := range page {
				if !yield(page[i].held(), nil) {
					return
				}
			}
			if len(page) < heldPage {
				return
			}
			request["search_after"] = page[len(page)-1].Sort
		}
	}
}

// release gives back what pages are read from; it ends by itself besides.
func (x *Index) release(ctx context.Context, id string) {
	if body, err := (object{"id": id}).reader(); err == nil {
		_ = x.client.call(context.WithoutCancel(ctx), esapi.ClosePointInTimeRequest{Body: body}, nil)
	}
}

// keptOf reads some documents.
func (x *Index) keptOf(ctx context.Context, index []string, request object) ([]kept, error) {
	request["size"], request["version"], request["track_total_hits"], request["_source"] = heldPage, true, false, false
	request["docvalue_fields"] = append([]string{"removed"}, heldFields...)
	body, err := request.reader()
	if err != nil {
		return nil, err
	}
	var answer struct {
		Hits struct {
			Hits []kept `json:"hits"`
		} `json:"hits"`
	}
	whole := false
	err = x.client.call(ctx, esapi.SearchRequest{
		Index: index, Body: body, AllowPartialSearchResults: &whole,
		FilterPath: []string{"hits.hits._id", "hits.hits._version", "hits.hits.fields", "hits.hits.sort"},
	}, &answer)
	if isStatus(err, http.StatusBadRequest) {
		return nil, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	return answer.Hits.Hits, x.missing(err)
}

func (x *Index) missing(err error) error {
	if isStatus(err, http.StatusNotFound) {
		return fmt.Errorf("%w: %w: %s", eventstream.ErrUnavailable, ErrNoIndex, x.target)
	}
	return err
}

// Holding implements queries.Inventory. One id is of one kind only.
func (x *Index) Holding(ctx context.Context, _ domain.MemberKind, id uuid.UUID) (queries.Held, error) {
	found, err := x.keptOf(ctx, []string{x.target}, object{"query": object{"ids": object{"values": []uuid.UUID{id}}}})
	if err != nil || len(found) == 0 {
		return queries.Held{}, err
	}
	return found[0].held(), nil
}

// Replace implements queries.Inventory. A later revision than a document's stays:
// only another generation is without it.
func (x *Index) Replace(ctx context.Context, documents []queries.Document) error {
	return x.put(ctx, documents, "external_gte")
}
