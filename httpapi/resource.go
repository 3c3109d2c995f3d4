package httpapi

import (
	"context"
	"net/http"

	"github.com/seed5b6a70b4/identity/commands"
	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/queries"
)

// resource is a kind of entity with what differs between users and groups; its
// methods serve what is asked of both.
type resource[E any] struct {
	collection string // the path of all of them
	item       func([]byte, *E) []byte
	id         func(*E) domain.ID[E]
	of         func(*commands.Result) *E

	readNew   func(*exchange) (commands.Command, error)
	readPatch func(*exchange, domain.ID[E]) (commands.Command, error)
	removal   func(*exchange, domain.ID[E]) commands.Command

	now     func(*queries.Reader, context.Context, domain.ID[E], queries.Freshness) (queries.Entity[E], error)
	then    func(*queries.Reader, context.Context, domain.ID[E], queries.Moment, queries.Freshness) (queries.Entity[E], error)
	history func(*queries.Reader, context.Context, domain.ID[E], queries.Recall, queries.Freshness) (queries.Page[queries.Commit], error)
	search  func(*queries.Reader, context.Context, queries.Criteria, queries.Listing, queries.Freshness) (queries.Page[E], error)
	lookUps []lookUp[E]
}

// lookUp is a parameter whose value one entity has at most.
type lookUp[E any] struct {
	name string
	find func(*queries.Reader, context.Context, string, queries.Freshness) (queries.Entity[E], error)
}

func (r *resource[E]) create(ctx context.Context, x *exchange) error {
	command, err := r.readNew(x)
	if err != nil {
		return err
	}
	result, err := x.do(ctx, command)
	if err != nil {
		return err
	}
	x.setHeader(string(location), r.collection+"/"+r.id(r.of(&result)).String())
	return r.send(x, createdStatus(&result), &result)
}

func (r *resource[E]) get(ctx context.Context, x *exchange) error {
	id, err := pathID[E](x, "id")
	if err != nil {
		return err
	}
	fresh, err := x.freshness()
	if err != nil {
		return err
	}
	moment, past, err := x.moment()
	if err != nil {
		return err
	}
	var found queries.Entity[E]
	if past {
		found, err = r.then(x.api.config.Queries, ctx, id, moment, fresh)
	} else {
		found, err = r.now(x.api.config.Queries, ctx, id, fresh)
	}
	if err != nil {
		return err
	}
	return answerEntity(x, &found, r.item)
}

func (r *resource[E]) update(ctx context.Context, x *exchange) error {
	id, err := pathID[E](x, "id")
	if err != nil {
		return err
	}
	command, err := r.readPatch(x, id)
	if err != nil {
		return err
	}
	result, err := x.do(ctx, command)
	if err != nil {
		return err
	}
	return r.send(x, http.StatusOK, &result)
}

func (r *resource[E]) remove(ctx context.Context, x *exchange) error {
	id, err := pathID[E](x, "id")
	if err != nil {
		return err
	}
	result, err := x.do(ctx, r.removal(x, id))
	if err != nil {
		return err
	}
	return x.sendNothing(&result)
}

// send answers a write with the entity as it is after it.
func (r *resource[E]) send(x *exchange, status int, result *commands.Result) error {
	if err := x.setWritten(result); err != nil {
		return err
	}
	x.out = r.item(x.out[:0], r.of(result))
	x.send(status, jsonType)
	return nil
}

func (r *resource[E]) find(ctx context.Context, x *exchange) error {
	fresh, err := x.freshness()
	if err != nil {
		return err
	}
	lines := x.wantsLines()
	if lines {
		if err := x.refuseLimit(); err != nil {
			return err
		}
	}
	for i := range r.lookUps {
		value, given := x.param(r.lookUps[i].name)
		if !given {
			continue
		}
		if err := x.alone(r.lookUps[i].name, "limit"); err != nil {
			return err
		}
		ctx, cancel := x.bounded(ctx) // also where lines are asked for
		defer cancel()
		found, err := r.lookUps[i].find(x.api.config.Queries, ctx, value, fresh)
		if lines {
			return answerLine(x, &found, err, r.item)
		}
		return answerOne(x, &found, err, r.item)
	}
	if lines {
		return r.walk(ctx, x, fresh)
	}
	page, err := r.search(x.api.config.Queries, ctx, x.criteria(), x.listing(), fresh)
	if err != nil {
		return err
	}
	return answerPage(x, &page, r.item)
}

func (r *resource[E]) getHistory(ctx context.Context, x *exchange) error {
	id, err := pathID[E](x, "id")
	if err != nil {
		return err
	}
	return answerHistory(x, func(recall queries.Recall, fresh queries.Freshness) (queries.Page[queries.Commit], error) {
		return r.history(x.api.config.Queries, ctx, id, recall, fresh)
	})
}
