package memview

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/queries"
)

// fields names what differs in a row.
func (c *comparing) fields(k *rowKey) []string {
	ctx := context.Background() // rows in memory wait for nothing
	read := func(v *View) (any, error) {
		switch k.kind {
		case rowKind(userSide):
			return v.User(ctx, domain.UserID{UUID: k.id})
		case rowKind(groupSide):
			return v.Group(ctx, domain.GroupID{UUID: k.id})
		case edgeRow:
			return v.Membership(ctx, domain.GroupID{UUID: k.id}, k.end)
		}
		return v.Key(ctx, domain.KeyID{UUID: k.id})
	}
	a, errA := read(c.a)
	b, errB := read(c.b)
	if errors.Join(errA, errB) != nil {
		return nil
	}
	return differingFields(reflect.ValueOf(a), reflect.ValueOf(b))
}

// differingFields names the fields of two structs of one type that differ.
func differingFields(a, b reflect.Value) []string {
	var names []string
	for i := range a.NumField() {
		field := a.Type().Field(i)
		if field.Anonymous && field.Type.Kind() == reflect.Struct {
			names = append(names, differingFields(a.Field(i), b.Field(i))...)
		} else if !reflect.DeepEqual(a.Field(i).Interface(), b.Field(i).Interface()) {
			names = append(names, strings.ToLower(field.Name[:1])+field.Name[1:])
		}
	}
	return names
}

// sample compares some entities as readers see them: with the groups they are in,
// and groups with their first members.
func (c *comparing) sample(ctx context.Context) error {
	met := map[uuid.UUID]bool{}
	for range c.options.Samples {
		count := c.a.nodes.count.Load()
		if count == 0 {
			return nil
		}
		if err := c.options.Pause(ctx); err != nil {
			return err
		}
		node := c.a.nodes.at(ref(rand.Uint32N(count)))
		if met[node.id] {
			continue
		}
		met[node.id] = true
		for s := userSide; s <= groupSide; s++ {
			if node.stage(s) == unknown {
				continue
			}
			if err := c.sampleOne(ctx, s, node.id); err != nil {
				return err
			}
			c.found.Sampled++
		}
	}
	return nil
}

// portrait is an entity as readers see it.
type portrait struct {
	document queries.Document
	members  []domain.Membership
}

// sampledMembers is how many members of a group are compared.
const sampledMembers = 100

func (c *comparing) portrait(ctx context.Context, v *View, s side, id uuid.UUID) (p portrait, err error) {
	if p.document, err = v.Document(ctx, s.kind(), id); err != nil {
		return p, err
	}
	p.document.Revision = 0 // which counts what was announced
	if s == groupSide {
		p.members, err = v.Members(ctx, domain.GroupID{UUID: id}, uuid.Nil, sampledMembers)
	}
	return p, err
}

// sampleOne compares an entity. What differs is found only in views that showed the
// whole log, to which nothing was added while they were read: rows show before a
// view's position says so.
func (c *comparing) sampleOne(ctx context.Context, s side, id uuid.UUID) error {
	for attempt := range attempts {
		end := c.options.End()
		if attempt > 0 {
			if err := c.options.Settle(ctx, eventstream.LogStream, eventstream.Seq(end)); err != nil {
				return fmt.Errorf("bring both views to one position: %w", err)
			}
		}
		seq := c.a.entitySeq(id, s)
		a, errA := c.portrait(ctx, c.a, s, id)
		b, errB := c.portrait(ctx, c.b, s, id)
		if err := errors.Join(errA, errB); err != nil {
			return fmt.Errorf("read an entity to compare it: %w", err)
		}
		if reflect.DeepEqual(a, b) {
			return nil
		}
		if attempt > 0 && c.options.End() == end {
			c.sampleDiffers(rowKey{kind: rowKind(s), id: id}, seq, &a, &b)
			return nil
		}
	}
	return errUnsettled
}

// sampleDiffers notes a sample unless its row is among those that differ.
func (c *comparing) sampleDiffers(k rowKey, seq eventstream.Seq, a, b *portrait) {
	if _, known := c.differing[k]; known {
		return
	}
	names := differingFields(reflect.ValueOf(a.document), reflect.ValueOf(b.document))
	if !slices.Equal(a.members, b.members) {
		names = append(names, "members")
	}
	c.found.Add(k.stream(), seq, names...)
}
