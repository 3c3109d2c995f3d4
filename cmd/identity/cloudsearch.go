package main

import (
	"context"
	"errors"
	"fmt"
	neturl "net/url"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/queries"
	"github.com/seed5b6a70b4/identity/queries/dynamoview"
	"github.com/seed5b6a70b4/identity/queries/elasticview"
	"github.com/seed5b6a70b4/identity/sync/generations"
)

// withUser puts a user and a password into a URL that has none.
func withUser(text, user, password string) (string, error) {
	at, err := neturl.Parse(text)
	if err != nil || at.Host == "" || at.Scheme != "http" && at.Scheme != "https" {
		return "", misused("%s: not a URL of http or https", elasticURL) // not which: it may hold a password
	}
	if user != "" && at.User == nil {
		at.User = neturl.UserPassword(user, password)
	}
	return at.String(), nil
}

// adoptIndex puts an index on the roll that was made before there was a roll.
func (c *cloud) adoptIndex(ctx context.Context) error {
	if c.index == nil {
		return nil
	}
	roll, err := generations.Read(ctx, c.state)
	if err != nil || roll.Version > 0 || errors.Is(c.index.At(1).Check(ctx), elasticview.ErrNoIndex) {
		return err
	}
	if _, err := generations.Change(ctx, c.state, (*generations.Roll).Index); err != nil && !errors.Is(err, generations.ErrMoved) && !errors.Is(err, generations.ErrBusy) {
		return err
	}
	return nil
}

// timely is a search that ends when nobody waits for it any more: a server that
// takes requests and answers none would hold each until the request's own end.
type timely struct {
	*elasticview.Index
	reached func(context.Context) (eventstream.Token, error)
}

// Position implements queries.Search.
func (s timely) Position(ctx context.Context) (eventstream.Token, error) { return s.reached(ctx) }

// searchTime is how long Elasticsearch may take over a search.
const searchTime = queries.DefaultSearchWait

// Search implements queries.Search.
func (s timely) Search(ctx context.Context, criteria queries.Criteria, from []byte, limit int) (queries.Found, error) {
	ctx, cancel := context.WithTimeout(ctx, searchTime)
	defer cancel()
	return s.Index.Search(ctx, criteria, from, limit)
}

// documents carries what the view shows to Elasticsearch.
type documents struct {
	view  *dynamoview.View
	index *elasticview.Index
	// derive changes what is put into the index; nil does not.
	derive func(*queries.Document)
}

// Document is what the index should know of an entity. It implements
// audit.Describing.
func (d *documents) Document(ctx context.Context, kind domain.MemberKind, id uuid.UUID) (queries.Document, error) {
	document, err := d.view.Document(ctx, kind, id)
	if err == nil && d.derive != nil && document.Revision > 0 && !document.Removed {
		d.derive(&document)
	}
	return document, err
}

// putTime bounds how long Elasticsearch is waited for.
const putTime = 30 * time.Second

// documentsAtOnce is how many documents are put together at a time.
const documentsAtOnce = 16

// push puts into the index what the view shows of the entities.
func (d *documents) push(ctx context.Context, entities []eventstream.StreamID) (map[eventstream.StreamID]error, error) {
	made := make([]queries.Document, len(entities))
	damaged := make([]error, len(entities))
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(documentsAtOnce)
	for i, entity := range entities {
		group.Go(func() (err error) {
			kind := domain.UserMember
			if entity.Kind() == eventstream.GroupKind {
				kind = domain.GroupMember
			}
			id, _ := entity.UUID()
			made[i], err = d.Document(within, kind, id)
			if err == nil || within.Err() != nil || errors.Is(err, eventstream.ErrUnavailable) {
				return err
			}
			made[i], damaged[i] = queries.Document{}, err // which keeps no other out
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	known := made[:0]
	for i := range made {
		if made[i].Revision > 0 {
			known = append(known, made[i])
		}
	}
	putting, cancel := context.WithTimeout(ctx, putTime)
	defer cancel()
	err := d.index.Put(putting, known)
	named := map[eventstream.StreamID]error{}
	for i, entity := range entities {
		if damaged[i] != nil {
			named[entity] = damaged[i]
		}
	}
	var refused *elasticview.RefusedError
	if !errors.As(err, &refused) {
		return named, err
	}
	for i := range refused.Documents {
		one := &refused.Documents[i]
		named[entityStream(one.Kind, one.ID)] = fmt.Errorf("Elasticsearch answers %d", one.Status) // why may quote the document
	}
	return named, nil
}

// touches names the entity whose document a change of the stream may change: of a
// membership its member.
func (d *documents) touches(ctx context.Context, stream eventstream.StreamID) ([]eventstream.StreamID, error) {
	switch stream.Kind() {
	case eventstream.UserKind, eventstream.GroupKind:
		return []eventstream.StreamID{stream}, nil
	case eventstream.MemberKind:
		group, member, _ := stream.Edge()
		edge, err := d.view.Membership(ctx, domain.GroupID{UUID: group}, member)
		return []eventstream.StreamID{entityStream(edge.Kind, member)}, err
	}
	return nil, nil
}

func entityStream(kind domain.MemberKind, id uuid.UUID) eventstream.StreamID {
	if kind == domain.GroupMember {
		return eventstream.GroupStream(id)
	}
	return eventstream.UserStream(id)
}
