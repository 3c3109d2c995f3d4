package main

import (
	"context"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/internal/audit"
	"github.com/seed5b6a70b4/identity/queries"
	"github.com/seed5b6a70b4/identity/queries/closure"
	querysync "github.com/seed5b6a70b4/identity/sync"
)

// subject is what there is to audit, of the views those that answer.
func (c *cloud) subject() audit.Subject {
	rows, search := c.followed.current()
	s := audit.Subject{
		Store: c.store, Secret: c.directory.Secret, View: rows.view, Heads: c.changes.Heads,
		Notices: querysync.DecodePositions,
	}
	s.Closures = map[string]audit.Closure{closure.Name: c.closure}
	if search != nil {
		s.Indexes = map[string]queries.Inventory{numbered(indexName, search.number): search.index}
		s.Makes = map[string]audit.Describing{numbered(indexName, search.number): search.documents}
		s.Reached = map[string]func(context.Context) (eventstream.Token, error){numbered(indexName, search.number): search.reached}
	}
	return s
}

// verify implements engine.
func (c *cloud) verify(ctx context.Context, options audit.Options) (audit.Report, error) {
	return audit.Run(ctx, c.subject(), options)
}
