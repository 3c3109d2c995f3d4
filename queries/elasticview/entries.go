package elasticview

import (
	"context"
	"fmt"

	"github.com/elastic/go-elasticsearch/v8/esapi"
	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/queries"
)

// Entry is what the index tells of a document that searches find.
type Entry struct {
	ID uuid.UUID
	// Revision is the document's, Digest a hash of what was put of it.
	Revision uint64
	Digest   string
}

// Digest is that of the entry which a document would have.
func Digest(d *queries.Document) (string, error) { return newStored(d).digest() }

// Entries gives the first documents of a kind after an id, by id, that searches
// find: at most 9,999.
func (x *Index) Entries(ctx context.Context, kind domain.MemberKind, after uuid.UUID, limit int) ([]Entry, error) {
	return x.entries(ctx, object{
		"query": object{"bool": object{"filter": []object{term("kind", kind)}}}, "sort": []object{{"id": "asc"}},
		"search_after": []any{after}, "size": limit,
	})
}

// EntriesOf gives those of some documents, at most 9,999, that searches find, in no
// order.
func (x *Index) EntriesOf(ctx context.Context, kind domain.MemberKind, ids []uuid.UUID) ([]Entry, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	return x.entries(ctx, object{
		"query": object{"bool": object{"filter": []object{term("kind", kind), {"ids": object{"values": ids}}}}}, "size": len(ids),
	})
}

func (x *Index) entries(ctx context.Context, request object) ([]Entry, error) {
	request["track_total_hits"], request["_source"], request["version"] = false, false, true
	request["docvalue_fields"] = []string{"digest"}
	body, err := request.reader()
	if err != nil {
		return nil, err
	}
	var answer struct {
		Hits struct {
			Hits []struct {
				ID      uuid.UUID `json:"_id"`
				Version uint64    `json:"_version"`
				Fields  struct {
					Digest []string `json:"digest"`
				} `json:"fields"`
			} `json:"hits"`
		} `json:"hits"`
	}
	whole := false
	err = x.client.call(ctx, esapi.SearchRequest{
		Index: []string{x.target}, Body: body, AllowPartialSearchResults: &whole,
		FilterPath: []string{"hits.hits._id", "hits.hits._version", "hits.hits.fields"},
	}, &answer)
	if err != nil {
		return nil, fmt.Errorf("read what is in the search index %s: %w", x.target, err)
	}
	found := make([]Entry, len(answer.Hits.Hits))
	for i, hit := range answer.Hits.Hits {
		found[i] = Entry{ID: hit.ID, Revision: hit.Version}
		if len(hit.Fields.Digest) == 1 {
			found[i].Digest = hit.Fields.Digest[0]
		}
	}
	return found, nil
}

// Count is about how many documents searches find.
func (x *Index) Count(ctx context.Context) (uint64, error) {
	var answer struct {
		Count uint64 `json:"count"`
	}
	body, err := object{"query": object{"exists": object{"field": "id"}}}.reader()
	if err == nil {
		err = x.client.call(ctx, esapi.CountRequest{Index: []string{x.target}, Body: body}, &answer)
	}
	if err != nil {
		return 0, fmt.Errorf("count what is in the search index %s: %w", x.target, err)
	}
	return answer.Count, nil
}

// Refresh shows searches whatever was put before.
func (x *Index) Refresh(ctx context.Context) error {
	if err := x.refresh(ctx); err != nil {
		return fmt.Errorf("refresh the search index %s: %w", x.target, err)
	}
	return nil
}
