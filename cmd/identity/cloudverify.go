package main

import (
	"context"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/internal/audit"
	"github.com/seed5b6a70b4/identity/queries"
	"github.com/seed5b6a70b4/identity/queries/closure"
	querysync "github.com/seed5b6a70b4/identity/sync"
)

// subject is what there is to audit.
func (c *cloud) subject() audit.Subject {
	s := audit.Subject{
		Store: c.store, Secret: c.directory.Secret, View: c.view, Heads: c.changes.Heads,
		Notices: querysync.DecodePositions,
	}
	s.Closures = map[string]audit.Closure{closure.Name: c.closure}
	if c.indexer != nil {
		s.Indexes = map[string]queries.Inventory{indexName: c.index}
		s.Reached = map[string]func(context.Context) (eventstream.Token, error){indexName: c.reached}
	}
	return s
}

// verify implements engine.
func (c *cloud) verify(ctx context.Context, options audit.Options) (audit.Report, error) {
	return audit.Run(ctx, c.subject(), options)
}
