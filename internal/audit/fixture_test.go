package audit_test

import (
	"context"
	"errors"
	"iter"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/commands"
	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/memstore"
	"github.com/seed5b6a70b4/identity/internal/audit"
	"github.com/seed5b6a70b4/identity/queries/memview"
)

var secret = domain.ClaimSecret{7}

// directory is a small one that has seen every kind of command.
type directory struct {
	store   *memstore.Store
	streams *eventstream.Streams
	handler *commands.Handler

	homer, marge, gone      domain.UserID
	outer, inner, innermost domain.GroupID
	dropped                 domain.GroupID
}

func must[T any](t *testing.T, value T, err error) T {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func (d *directory) do(t *testing.T, command commands.Command) commands.Result {
	t.Helper()
	result, err := d.handler.Do(t.Context(), commands.Request{Actor: "test", Correlation: "test"}, command)
	if err != nil {
		t.Fatalf("%T: %v", command, err)
	}
	return result
}

func name(t *testing.T, text string) domain.Text {
	t.Helper()
	parsed, err := domain.ParseText(text, domain.MaxText)
	return must(t, parsed, err)
}

func newDirectory(t *testing.T, observe eventstream.Observer) *directory {
	t.Helper()
	d := &directory{store: memstore.New(&memstore.Options{Observe: observe})}
	d.streams = eventstream.New(d.store, nil)
	d.open(t, 1)
	d.fill(t)
	return d
}

// open begins the directory.
func (d *directory) open(t *testing.T, shards int) {
	t.Helper()
	opened, err := commands.OpenDirectory(t.Context(), d.streams, secret, shards)
	must(t, opened, err)
	quarantine := time.Duration(0)
	d.handler = commands.New(d.streams, opened, &commands.Options{Quarantine: &quarantine})
}

// fill writes what every test begins with.
func (d *directory) fill(t *testing.T) {
	t.Helper()
	d.homer, d.marge, d.gone = d.user(t, "homer"), d.user(t, "marge"), d.user(t, "gone")
	d.outer, d.inner, d.innermost = d.group(t, "Outer"), d.group(t, "Inner"), d.group(t, "Innermost")
	d.dropped = d.group(t, "Dropped")
	dropped := d.dropped
	d.do(t, commands.AddMembers{Group: d.outer, Members: []uuid.UUID{d.homer.UUID, d.marge.UUID, d.gone.UUID}})
	d.do(t, commands.AddMember{Group: d.outer, Member: d.inner.UUID})
	d.do(t, commands.AddMember{Group: d.inner, Member: d.innermost.UUID})
	d.do(t, commands.AddMember{Group: d.inner, Member: dropped.UUID})
	d.do(t, commands.AddMember{Group: dropped, Member: d.marge.UUID})
	d.do(t, commands.RemoveMember{Group: d.outer, Member: d.marge.UUID})
	d.do(t, commands.UpdateUser{ID: d.homer, Name: commands.To(name(t, "Homer Simpson"))})
	d.do(t, commands.UpdateUser{ID: d.homer, Name: commands.To(name(t, "Homer J. Simpson"))})
	renamed, err := domain.ParseUsername("marjorie")
	d.do(t, commands.UpdateUser{ID: d.marge, Username: commands.To(must(t, renamed, err))})
	d.do(t, commands.DeleteUser{ID: d.gone})
	d.do(t, commands.DeleteGroup{ID: dropped})
	d.do(t, commands.CreateKey{Label: name(t, "a key"), Scopes: []domain.Scope{domain.ReadScope}})
	revoked := d.do(t, commands.CreateKey{Label: name(t, "another"), Scopes: []domain.Scope{domain.WriteScope}})
	d.do(t, commands.RevokeKey{ID: revoked.Key.ID})
	result, err := d.handler.Do(t.Context(), commands.Request{Actor: "test", Correlation: "test", IdempotencyKey: "once", Digest: "digest"},
		commands.UpdateUser{ID: d.marge, Name: commands.To(name(t, "Marge"))})
	must(t, result, err)
}

func (d *directory) user(t *testing.T, username string) domain.UserID {
	t.Helper()
	parsed, err := domain.ParseUsername(username)
	must(t, parsed, err)
	email, err := domain.ParseEmail(username + "@example.org")
	must(t, email, err)
	attribute, err := domain.ParseAttribute([]byte(`["a","b"]`))
	must(t, attribute, err)
	return d.do(t, commands.CreateUser{Username: parsed, Email: email, Active: true, Attributes: domain.Attributes{"list": attribute}}).User.ID
}

func (d *directory) group(t *testing.T, text string) domain.GroupID {
	t.Helper()
	parsed, err := domain.ParseGroupName(text)
	return d.do(t, commands.CreateGroup{Name: must(t, parsed, err)}).Group.ID
}

// write appends what no command would.
func (d *directory) write(t *testing.T, stream eventstream.StreamID, events ...domain.Event) {
	t.Helper()
	last, err := d.streams.Last(t.Context(), stream)
	must(t, last, err)
	data, err := domain.EncodeEvents(events)
	must(t, data, err)
	written, err := d.streams.Append(t.Context(), eventstream.Transaction{
		Command: uuid.Must(uuid.NewV7()), Actor: "intruder", Correlation: "none",
		Entries: []eventstream.Entry{{Stream: stream, Expect: eventstream.Exactly(last.Seq), Data: data}},
	})
	must(t, written, err)
}

// log is all transactions, for changing.
func (d *directory) log(t *testing.T) planted {
	t.Helper()
	var all planted
	for transaction, err := range d.store.Tail(t.Context(), 0) {
		must(t, transaction, err)
		all = append(all, slices.Clone(transaction))
	}
	return all
}

// viewOf folds a log.
func viewOf(t *testing.T, log planted) *memview.View {
	t.Helper()
	view := memview.New(nil)
	for _, transaction := range log {
		for i := range transaction {
			if !view.Shows(transaction[i].Stream) {
				continue
			}
			if err := view.Apply(t.Context(), transaction[i:i+1]); err != nil {
				t.Fatal(err)
			}
		}
		view.SetApplied(transaction[0].Log)
	}
	if err := view.Tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	return view
}

// planted is a store whose content is what a test makes it.
type planted [][]eventstream.Commit

func (p planted) find(position eventstream.Position) (transaction, place int) {
	for i := range p {
		for j := range p[i] {
			if p[i][j].Position() == position {
				return i, j
			}
		}
	}
	panic("no such commit: " + string(position.Stream))
}

// renumber closes the gaps in the log's positions.
func (p planted) renumber() planted {
	for i := range p {
		for j := range p[i] {
			p[i][j].Log = uint64(i) + 1
		}
	}
	return p
}

// rehash gives every commit from one on in its stream a fitting chain.
func (p planted) rehash() planted {
	heads := map[eventstream.StreamID]eventstream.Hash{}
	for i := range p {
		for j := range p[i] {
			p[i][j].Previous = heads[p[i][j].Stream]
			p[i][j].Hash = p[i][j].ComputeHash()
			heads[p[i][j].Stream] = p[i][j].Hash
		}
	}
	return p
}

var errReadOnly = errors.New("a planted store is not written to")

func (p planted) Append(context.Context, eventstream.Transaction) ([]eventstream.Commit, error) {
	return nil, errReadOnly
}

func (p planted) Read(_ context.Context, stream eventstream.StreamID, after eventstream.Seq) iter.Seq2[eventstream.Commit, error] {
	return func(yield func(eventstream.Commit, error) bool) {
		for i := range p {
			for j := range p[i] {
				if p[i][j].Stream == stream && p[i][j].Seq > after && !yield(p[i][j], nil) {
					return
				}
			}
		}
	}
}

func (p planted) Last(ctx context.Context, stream eventstream.StreamID) (last eventstream.Commit, err error) {
	for last = range p.Read(ctx, stream, 0) {
	}
	return last, nil
}

func (p planted) Recent(context.Context, time.Time) iter.Seq2[eventstream.Position, error] {
	return func(func(eventstream.Position, error) bool) {}
}

func (p planted) Close() error { return nil }

func (p planted) Tail(_ context.Context, after uint64) iter.Seq2[[]eventstream.Commit, error] {
	return func(yield func([]eventstream.Commit, error) bool) {
		for i := range p {
			if p[i][0].Log > after && !yield(p[i], nil) {
				return
			}
		}
	}
}

func (p planted) End() uint64 { return p[len(p)-1][0].Log }

// findings audits and gives what was found.
func findings(t *testing.T, subject audit.Subject) []audit.Finding {
	t.Helper()
	var all []audit.Finding
	report, err := audit.Run(t.Context(), subject, audit.Options{Found: func(f audit.Finding) { all = append(all, f) }})
	if err != nil {
		t.Fatal(err)
	}
	if report.Drift != len(all) {
		t.Errorf("the report counts %d findings, told of %d", report.Drift, len(all))
	}
	return all
}
