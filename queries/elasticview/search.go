package elasticview

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/elastic/go-elasticsearch/v8/esapi"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/internal/words"
	"github.com/seed5b6a70b4/identity/queries"
)

// mostResults is the longest page: Elasticsearch gives no more at a time, and one
// more is asked for.
const mostResults = 9_999

// query is a search in the words of the index.
type query struct {
	words      []words.Typed
	by         queries.Sort
	descending bool
	after      *place
}

// Search implements queries.Search. It sees what Put had taken in when it began. A
// search for more than words.MaxTyped words, of no kind, in no order, for fewer
// than one result or more than 9,999 is domain.Invalid.
func (x *Index) Search(ctx context.Context, criteria queries.Criteria, from []byte, limit int) (queries.Found, error) {
	if criteria.Kind != domain.UserMember && criteria.Kind != domain.GroupMember || limit < 1 || limit > mostResults {
		return queries.Found{}, domain.Refuse(domain.Invalid, "", fmt.Sprintf("a search is for users or groups, at least one, at most %d", mostResults))
	}
	q, err := newQuery(&criteria, from)
	if err != nil {
		return queries.Found{}, err
	}
	if len(q.words) == 0 && strings.TrimSpace(criteria.Text) != "" {
		return queries.Found{}, nil
	}
	hits, err := x.ask(ctx, q, &criteria, limit+1)
	if err != nil {
		return queries.Found{}, fmt.Errorf("search: %w", err)
	}
	return q.found(hits, limit)
}

func newQuery(c *queries.Criteria, from []byte) (*query, error) {
	q := &query{words: words.InText(c.Text), by: c.Sort, descending: c.Descending}
	if len(q.words) > words.MaxTyped {
		return nil, domain.RefuseField("q", fmt.Sprintf("must have at most %d different words", words.MaxTyped))
	}
	if q.by == "" {
		q.by = queries.ByRelevance
	}
	if !slices.Contains(sorts, q.by) {
		return nil, domain.Refuse(domain.Invalid, "", "results cannot be sorted so")
	}
	if from == nil {
		return q, nil
	}
	var err error
	q.after, err = q.decode(from)
	return q, err
}

// hit is a result: its id, and what it was sorted by.
type hit struct {
	ID   uuid.UUID        `json:"_id"`
	Sort []jsontext.Value `json:"sort"`
}

func (x *Index) ask(ctx context.Context, q *query, c *queries.Criteria, size int) ([]hit, error) {
	request := object{
		"query": q.query(c), "sort": q.sort(), "size": size, "track_total_hits": false, "_source": false,
	}
	if q.after != nil {
		request["search_after"] = q.searchAfter()
	}
	body, err := request.reader()
	if err != nil {
		return nil, err
	}
	var answer struct {
		Hits struct {
			Hits []hit `json:"hits"`
		} `json:"hits"`
	}
	whole := false
	err = x.client.call(ctx, esapi.SearchRequest{
		Index: []string{x.target}, Body: body, AllowPartialSearchResults: &whole,
		FilterPath: []string{"hits.hits._id", "hits.hits.sort"},
	}, &answer)
	if isStatus(err, http.StatusNotFound) {
		err = fmt.Errorf("%w: %w: %s", eventstream.ErrUnavailable, ErrNoIndex, x.target)
	}
	return answer.Hits.Hits, err
}

// query asks for what the criteria ask for.
func (q *query) query(c *queries.Criteria) object {
	filters := []object{term("kind", c.Kind)}
	if c.Active != nil {
		filters = append(filters, term("active", *c.Active))
	}
	if !c.Group.IsZero() {
		filters = append(filters, term("groups", c.Group))
	}
	for name, value := range c.Attributes {
		filters = append(filters, term("attributes", attributeTerm(name, value)))
	}
	asked := object{"filter": filters}
	switch {
	case len(q.words) == 0:
	case q.by == queries.ByRelevance:
		asked["must"] = matching(q.words)
	default:
		asked["filter"] = append(filters, filtering(q.words))
	}
	return object{"bool": asked}
}

func term(field string, value any) object {
	return object{"term": object{field: object{"value": value}}}
}

// byScore tells whether results are ordered by tier.
func (q *query) byScore() bool { return q.by == queries.ByRelevance && len(q.words) > 0 }

// sort is the order of results: of the tiers, which score higher the better they
// are, of the key, and of ids.
func (q *query) sort() []object {
	up, down := "asc", "desc"
	if q.descending {
		up, down = down, up
	}
	var fields []object
	if q.byScore() {
		fields = append(fields, object{"_score": down})
	}
	if key := q.keyField(); key != "" {
		fields = append(fields, object{key: up})
	}
	return append(fields, object{"id": up})
}

func (q *query) keyField() string {
	switch q.by {
	case queries.ByID:
		return ""
	case queries.ByUsername:
		return "username"
	case queries.ByCreated:
		return "created"
	default:
		return "name"
	}
}

func (q *query) searchAfter() []any {
	var values []any
	if q.byScore() {
		values = append(values, q.after.tier.score())
	}
	switch q.by {
	case queries.ByID:
	case queries.ByCreated:
		values = append(values, q.after.created)
	default:
		values = append(values, q.after.key)
	}
	return append(values, q.after.id)
}

// found is a page of hits, of which there is one more if another page follows.
func (q *query) found(hits []hit, limit int) (queries.Found, error) {
	var found queries.Found
	if len(hits) > limit {
		hits = hits[:limit]
		last, err := q.placeOf(hits[limit-1])
		if err != nil {
			return queries.Found{}, fmt.Errorf("search: read what the last result was sorted by: %w", err)
		}
		found.Next = q.encode(last)
	}
	found.IDs = make([]uuid.UUID, len(hits))
	for i, h := range hits {
		found.IDs[i] = h.ID
	}
	return found, nil
}

func (q *query) placeOf(h hit) (place, error) {
	p, values := place{id: h.ID}, h.Sort
	if len(values) != len(q.sort()) {
		return p, fmt.Errorf("%d values", len(values))
	}
	if q.byScore() {
		var score float64
		if err := json.Unmarshal(values[0], &score); err != nil {
			return p, err
		}
		p.tier, values = none-tier(score), values[1:]
	}
	switch q.by {
	case queries.ByID:
		return p, nil
	case queries.ByCreated:
		return p, json.Unmarshal(values[0], &p.created)
	default:
		return p, json.Unmarshal(values[0], &p.key)
	}
}
