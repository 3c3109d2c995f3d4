package elasticview

import (
	"bytes"
	"encoding/binary"
	"slices"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/internal/words"
	"github.com/seed5b6a70b4/identity/queries"
)

// place is the last result of a page, behind which the next one begins.
type place struct {
	tier    tier   // whole, except by relevance
	key     string // the name or username
	created int64
	id      uuid.UUID
}

// As bytes, a place is: version, number of the order, 1 for descending, tier, id,
// and then the key, or the time in 8 bytes.
const (
	placeVersion = 1
	placeHeader  = 4
	placeFixed   = placeHeader + len(uuid.UUID{})
)

var sorts = []queries.Sort{queries.ByRelevance, queries.ByName, queries.ByUsername, queries.ByCreated, queries.ByID}

func (q *query) header(t tier) []byte {
	direction := byte(0)
	if q.descending {
		direction = 1
	}
	return []byte{placeVersion, byte(slices.Index(sorts, q.by)), direction, byte(t)}
}

func (q *query) encode(p place) []byte {
	encoded := append(q.header(p.tier), p.id[:]...)
	if q.by == queries.ByCreated {
		return binary.BigEndian.AppendUint64(encoded, uint64(p.created))
	}
	return append(encoded, p.key...)
}

func (q *query) decode(from []byte) (*place, error) {
	malformed := domain.Refuse(domain.Invalid, "", "no place in these results")
	if len(from) < placeFixed || !bytes.Equal(from[:placeHeader], q.header(tier(from[placeHeader-1]))) {
		return nil, malformed
	}
	p := &place{tier: tier(from[placeHeader-1]), id: uuid.UUID(from[placeHeader:placeFixed])}
	key := from[placeFixed:]
	if p.tier >= none || p.tier > whole && q.by != queries.ByRelevance {
		return nil, malformed
	}
	switch q.by {
	case queries.ByID:
		if len(key) > 0 {
			return nil, malformed
		}
	case queries.ByCreated:
		if len(key) != 8 {
			return nil, malformed
		}
		p.created = int64(binary.BigEndian.Uint64(key))
	default:
		if len(key) > words.MaxBytes || !utf8.Valid(key) {
			return nil, malformed
		}
		p.key = string(key)
	}
	return p, nil
}
