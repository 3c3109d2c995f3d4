package memsearch

import (
	"bytes"
	"slices"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/internal/words"
	"github.com/seed5b6a70b4/identity/queries"
)

// A place between two pages is the last result of the first:
//
//	version    1 byte   1
//	order      1 byte   its number among sorts
//	direction  1 byte   1 for descending
//	tier       1 byte
//	id         16 bytes
//	key        the rest: what results are sorted by
const (
	placeVersion = 1
	placeHeader  = 4
)

func (q *query) header(t tier) []byte {
	direction := byte(0)
	if q.descending {
		direction = 1
	}
	return []byte{placeVersion, byte(slices.Index(sorts, q.by)), direction, byte(t)}
}

func (q *query) encode(h hit) []byte {
	return append(append(q.header(h.tier), h.id[:]...), h.key...)
}

func (q *query) decode(from []byte) (*hit, error) {
	malformed := domain.Refuse(domain.Invalid, "", "no place in these results")
	if len(from) < placeHeader+len(uuid.UUID{}) || !bytes.Equal(from[:placeHeader], q.header(tier(from[placeHeader-1]))) {
		return nil, malformed
	}
	rest := from[placeHeader:]
	h := &hit{tier: tier(from[placeHeader-1]), id: uuid.UUID(rest[:len(uuid.UUID{})]), key: bytes.Clone(rest[len(uuid.UUID{}):])}
	switch {
	case h.tier >= none, h.tier > whole && q.by != queries.ByRelevance,
		len(h.key) > words.MaxBytes,
		q.by == queries.ByID && len(h.key) > 0,
		q.by == queries.ByCreated && len(h.key) != 8:
		return nil, malformed
	}
	return h, nil
}
