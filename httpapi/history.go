package httpapi

import (
	"context"
	"strconv"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/queries"
)

// answerHistory answers with a page of an entity's commits.
func answerHistory[E any](
	ctx context.Context, x *exchange,
	read func(context.Context, domain.ID[E], queries.Listing, queries.Freshness) (queries.Page[queries.Change], error),
) error {
	id, err := pathID[E](x, "id")
	if err != nil {
		return err
	}
	fresh, err := x.freshness()
	if err != nil {
		return err
	}
	page, err := read(ctx, id, x.listing(), fresh)
	if err != nil {
		return err
	}
	return answerPage(x, &page, appendChange)
}

func appendChange(dst []byte, c *queries.Change) []byte {
	dst = append(dst, `{"seq":`...)
	dst = strconv.AppendUint(dst, uint64(c.Seq), 10)
	dst = append(dst, `,"time":`...)
	dst = appendTime(dst, c.Time)
	dst = append(dst, `,"actor":`...)
	dst = appendString(dst, c.Actor)
	dst = appendIDMember(dst, `,"commandId":"`, c.Command)
	dst = append(dst, `,"events":[`...)
	for i := range c.Events {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, `{"type":`...)
		dst = appendString(dst, c.Events[i].Type)
		dst = append(dst, `,"data":`...)
		dst = append(dst, c.Events[i].Data...)
		dst = append(dst, '}')
	}
	return append(dst, ']', '}')
}
