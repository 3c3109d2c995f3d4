package audit_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/internal/audit"
	"github.com/seed5b6a70b4/identity/internal/testservers"
	"github.com/seed5b6a70b4/identity/queries"
	"github.com/seed5b6a70b4/identity/queries/elasticview"
	"github.com/seed5b6a70b4/identity/queries/memsearch"
)

// searchIndex is an index that a test can spoil.
type searchIndex interface {
	queries.Inventory
	Put(ctx context.Context, documents []queries.Document) error
}

// indexed is a directory with an index of its documents.
type indexed struct {
	*directory
	view  audit.Describing
	index searchIndex
}

func (x *indexed) document(t *testing.T, kind domain.MemberKind, id uuid.UUID) queries.Document {
	t.Helper()
	document, err := x.view.Document(t.Context(), kind, id)
	return must(t, document, err)
}

// all are the documents of everything that there ever was, but for some.
func (x *indexed) all(t *testing.T, without ...uuid.UUID) (documents []queries.Document) {
	t.Helper()
	for kind, ids := range map[domain.MemberKind][]uuid.UUID{
		domain.UserMember:  {x.homer.UUID, x.marge.UUID, x.gone.UUID},
		domain.GroupMember: {x.outer.UUID, x.inner.UUID, x.innermost.UUID, x.dropped.UUID},
	} {
		for _, id := range ids {
			if !slices.Contains(without, id) {
				documents = append(documents, x.document(t, kind, id))
			}
		}
	}
	return documents
}

func (x *indexed) put(t *testing.T, documents ...queries.Document) {
	t.Helper()
	if err := x.index.Put(t.Context(), documents); err != nil {
		t.Fatal(err)
	}
}

// documentDamages are planted into an index that is empty.
var documentDamages = []struct {
	name  string
	plant func(*testing.T, *indexed)
	where func(*indexed) eventstream.StreamID
	what  string
}{
	{"nothing", func(t *testing.T, x *indexed) { x.put(t, x.all(t)...) }, nil, ""},
	{"nothing but what was removed is missing", func(t *testing.T, x *indexed) { x.put(t, x.all(t, x.gone.UUID)...) }, nil, ""},
	{"a missing document", func(t *testing.T, x *indexed) { x.put(t, x.all(t, x.homer.UUID)...) }, homerOf, "holds no document of it, the view has revision"},
	{"an altered document", func(t *testing.T, x *indexed) {
		x.put(t, x.all(t, x.homer.UUID)...)
		homer := x.document(t, domain.UserMember, x.homer.UUID)
		homer.Name = "Bomer"
		x.put(t, homer)
	}, homerOf, "that differs from what the view makes: "},
	{"a document without its groups", func(t *testing.T, x *indexed) {
		x.put(t, x.all(t, x.homer.UUID)...)
		homer := x.document(t, domain.UserMember, x.homer.UUID)
		homer.Groups = nil
		x.put(t, homer)
	}, homerOf, "groups"},
	{"a document that is behind", func(t *testing.T, x *indexed) {
		x.put(t, x.all(t, x.homer.UUID)...)
		homer := x.document(t, domain.UserMember, x.homer.UUID)
		homer.Revision--
		x.put(t, homer)
	}, homerOf, "the view has"},
	{"a document that is ahead", func(t *testing.T, x *indexed) {
		x.put(t, x.all(t)...)
		homer := x.document(t, domain.UserMember, x.homer.UUID)
		homer.Revision++
		x.put(t, homer)
	}, homerOf, "ahead of the view"},
	{"a document that was not removed", func(t *testing.T, x *indexed) {
		x.put(t, x.all(t, x.gone.UUID)...)
		gone := x.document(t, domain.UserMember, x.gone.UUID)
		gone.Removed, gone.Username = false, "gone"
		x.put(t, gone)
	}, func(x *indexed) eventstream.StreamID { return eventstream.UserStream(x.gone.UUID) }, "as removed=false"},
	{"a document of nobody", func(t *testing.T, x *indexed) {
		x.put(t, x.all(t)...)
		x.put(t, queries.Document{ID: uuid.UUID{0: 1, 15: 7}, Kind: domain.UserMember, Revision: 1, Username: "nobody"})
	}, func(*indexed) eventstream.StreamID { return eventstream.UserStream(uuid.UUID{0: 1, 15: 7}) }, "the view does not know it"},
}

func homerOf(x *indexed) eventstream.StreamID { return eventstream.UserStream(x.homer.UUID) }

// testDocuments plants each damage into an index of its own.
func testDocuments(t *testing.T, x *indexed, subject audit.Subject, open func(*testing.T) searchIndex) {
	for _, test := range documentDamages {
		t.Run(test.name, func(t *testing.T) {
			x.index = open(t)
			test.plant(t, x)
			subject.Indexes = map[string]queries.Inventory{"index": x.index}
			var found []audit.Finding
			report, err := audit.Run(t.Context(), subject, audit.Options{
				Patience: time.Millisecond, Now: func() time.Time { return time.Now().Add(time.Hour) }, Found: func(f audit.Finding) { found = append(found, f) },
			})
			must(t, report, err)
			if test.where == nil {
				if len(found) > 0 || report.Documents == 0 {
					t.Errorf("of %d documents is found %v", report.Documents, found)
				}
				return
			}
			if len(found) != 1 || found[0].Part != audit.Documents || found[0].Stream != test.where(x) || !strings.Contains(found[0].What, test.what) {
				t.Errorf("found %v, not %q", found, test.what)
			}
		})
	}
}

func TestDamagedDocumentsInMemoryAreFound(t *testing.T) {
	d := newDirectory(t, nil)
	view := viewOf(t, d.log(t))
	testDocuments(t, &indexed{directory: d, view: view}, audit.Subject{Store: d.store, Secret: secret, View: view},
		func(*testing.T) searchIndex { return memsearch.New(memsearch.Options{Buffer: 4}) })
}

func TestDamagedDocumentsInElasticsearchAreFound(t *testing.T) {
	url := testservers.Elasticsearch(t)
	c := newCloud(t)
	c.fill(t)
	c.follow(t)
	testDocuments(t, &indexed{directory: &c.directory, view: c.view}, c.subject(), func(t *testing.T) searchIndex {
		index, err := elasticview.New(elasticview.Options{URLs: []string{url}, Name: "audit-" + uuid.NewString(), RefreshInterval: time.Millisecond})
		if must(t, index, err).Prepare(t.Context(), 1) != nil {
			t.Fatal("no index")
		}
		return index
	})
}

// A document that is on its way when the audit begins is no finding.
func TestDocumentsOnTheirWayAreNoFindings(t *testing.T) {
	d := newDirectory(t, nil)
	view := viewOf(t, d.log(t))
	x := &indexed{directory: d, view: view, index: memsearch.New(memsearch.Options{})}
	x.put(t, x.all(t, d.homer.UUID)...)
	late := slow{Inventory: x.index, look: func() { x.put(t, x.document(t, domain.UserMember, d.homer.UUID)) }}
	for _, f := range findings(t, audit.Subject{Store: d.store, Secret: secret, View: view, Indexes: map[string]queries.Inventory{"index": late}}) {
		t.Error(f)
	}
}

// slow is an index in which something comes right before it is looked at again.
type slow struct {
	queries.Inventory
	look func()
}

func (s slow) Holding(ctx context.Context, kind domain.MemberKind, id uuid.UUID) (queries.Held, error) {
	s.look()
	return s.Inventory.Holding(ctx, kind, id)
}
