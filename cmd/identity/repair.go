package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/internal/audit"
	"github.com/seed5b6a70b4/identity/queries"
)

// repairer is an engine that can make again what is derived.
type repairer interface {
	// repair makes anew what findings are about, as far as it can: each of them is of
	// a part that is derived. It tells how much it made, and why it left something.
	repair(ctx context.Context, findings []audit.Finding) (made int, left, err error)
}

// verdict is what an audit came to, after repairs if any were asked for.
type verdict struct {
	audit.Report
	// Repaired is how many things were made anew, of which Remaining, as far as it is
	// shown, was found by the last audit.
	Repaired  int             `json:"repaired,omitempty"`
	Remaining []audit.Finding `json:"remaining,omitempty"`
	// Left says why something derived was not made anew.
	Left string `json:"left,omitempty"`
}

// Limits of repairing: how much is remembered of one audit, how much of the last
// is shown, and how many audits there are at most.
const (
	mostRepairs   = 100_000
	mostRemaining = 1000
	mostAudits    = 20
)

// auditAndRepair audits, makes anew what is derived, and audits again, as long as
// that leaves less to be found. options.Found is told of the first audit.
func auditAndRepair(ctx context.Context, e engine, options audit.Options, repair bool) (verdict, error) {
	var v verdict
	by, can := e.(repairer)
	for audits := 1; ; audits++ {
		var derived []audit.Finding
		v.Remaining = nil
		auditing := options
		auditing.Found = func(f audit.Finding) {
			if f.Part.Derived() && len(derived) < mostRepairs {
				derived = append(derived, f)
			}
			if audits == 1 && options.Found != nil {
				options.Found(f)
			} else if len(v.Remaining) < mostRemaining {
				v.Remaining = append(v.Remaining, f)
			}
		}
		before := v.Drift
		report, err := e.verify(ctx, auditing)
		v.Report = report
		if audits == 1 {
			v.Remaining = nil
		}
		if err != nil || !repair || !can || len(derived) == 0 || audits == mostAudits || audits > 1 && v.Drift >= before {
			return v, err
		}
		made, left, err := by.repair(ctx, derived)
		if err != nil {
			return v, fmt.Errorf("repair: %w", err)
		}
		v.Repaired += made
		if v.Left = ""; left != nil {
			v.Left = left.Error()
		}
	}
}

// repair implements repairer.
func (c *cloud) repair(ctx context.Context, findings []audit.Finding) (made int, left, err error) {
	rows, documents := sorted(findings)
	answers, search := c.followed.current()
	if made, err = c.refold(ctx, findings); err != nil {
		return made, left, err
	}
	for _, row := range rows {
		err := c.synchroniser.Rederive(ctx, answers.view.Name(), []eventstream.StreamID{row})
		switch {
		case err == nil:
			made++
		case errors.Is(err, eventstream.ErrUnavailable) || ctx.Err() != nil:
			return made, left, err
		default:
			left = err
		}
	}
	if search == nil {
		return made, left, nil
	}
	return made + len(documents), left, replaceDocuments(ctx, search.documents, search.index, documents)
}

// refold folds the closure anew, if anything was found of it.
func (c *core) refold(ctx context.Context, findings []audit.Finding) (made int, err error) {
	for _, f := range findings {
		if f.Part == audit.Closures {
			made++
		}
	}
	if made > 0 {
		_, err = c.closure.Refold(ctx)
	}
	return made, err
}

// errAtRest is why rows in memory are not made anew one by one.
var errAtRest = errors.New("the rows of the embedded store are made anew as a whole: run `identity rebuild`, or stop the service and run `identity verify --repair` again")

// repair implements repairer.
func (b *embedded) repair(ctx context.Context, findings []audit.Finding) (made int, left, err error) {
	rows, documents := sorted(findings)
	if made, err = b.refold(ctx, findings); err != nil {
		return made, left, err
	}
	if len(rows) > 0 {
		left = errAtRest
	}
	now := b.answering.Load()
	if now.search == nil || len(documents) == 0 {
		return made, left, nil
	}
	if err := replaceDocuments(ctx, now.search, now.search.index, documents); err != nil {
		return made, left, err
	}
	return made + len(documents), left, now.search.save(b.data.snapshots()) // or the next start would load what was there
}

// sorted names the streams whose rows, and those whose documents, are to be made
// anew, each once.
func sorted(findings []audit.Finding) (rows, documents []eventstream.StreamID) {
	for _, f := range findings {
		switch {
		case f.Stream == "", f.Part == audit.Closures:
		case f.Part == audit.Documents:
			documents = append(documents, f.Stream)
		default:
			rows = append(rows, f.Stream)
		}
	}
	slices.Sort(rows)
	slices.Sort(documents)
	return slices.Compact(rows), slices.Compact(documents)
}

// filledIndex is a search index that documents can be put into.
type filledIndex interface {
	queries.Inventory
	Put(ctx context.Context, documents []queries.Document) error
}

// replaceDocuments puts what a view makes of entities in place of what an index
// holds, and then once more whatever has changed meanwhile.
func replaceDocuments(ctx context.Context, view audit.Describing, index filledIndex, streams []eventstream.StreamID) error {
	const atOnce = 256
	for some := range slices.Chunk(streams, atOnce) {
		for _, put := range []func(context.Context, []queries.Document) error{index.Replace, index.Put} {
			documents, err := documentsFor(ctx, view, index, some)
			if err == nil {
				err = put(ctx, documents)
			}
			if err != nil && !errors.Is(err, eventstream.ErrParked) { // what is refused the next audit finds again
				return err
			}
		}
	}
	return nil
}

// documentsFor gives the documents of entities; of one that the view does not know
// it is that it was removed.
func documentsFor(ctx context.Context, view audit.Describing, index queries.Inventory, streams []eventstream.StreamID) ([]queries.Document, error) {
	documents := make([]queries.Document, 0, len(streams))
	for _, stream := range streams {
		id, is := stream.UUID()
		if !is {
			continue
		}
		document, err := documentFor(ctx, view, index, kindOf(stream), id)
		if err != nil {
			return nil, err
		}
		if document.Revision > 0 {
			documents = append(documents, document)
		}
	}
	return documents, nil
}

func documentFor(ctx context.Context, view audit.Describing, index queries.Inventory, kind domain.MemberKind, id uuid.UUID) (queries.Document, error) {
	document, err := view.Document(ctx, kind, id)
	if err != nil || document.Revision > 0 {
		return document, err
	}
	held, err := index.Holding(ctx, kind, id)
	document.Revision, document.Removed = held.Revision, true
	return document, err
}

func kindOf(stream eventstream.StreamID) domain.MemberKind {
	if stream.Kind() == eventstream.GroupKind {
		return domain.GroupMember
	}
	return domain.UserMember
}

// forgetSnapshots removes what the rows and the index would be loaded from, so
// that the next start makes them from the log. The lists of parked streams stay.
func (d dataDirectory) forgetSnapshots() error {
	entries, err := os.ReadDir(d.snapshots())
	if err != nil {
		return fmt.Errorf("forget snapshots: %w", err)
	}
	for _, entry := range entries {
		if filepath.Ext(entry.Name()) != ".snapshot" {
			continue
		}
		if err := os.Remove(filepath.Join(d.snapshots(), entry.Name())); err != nil {
			return fmt.Errorf("forget snapshots: %w", err)
		}
	}
	return nil
}

var _, _ repairer = (*cloud)(nil), (*embedded)(nil)
