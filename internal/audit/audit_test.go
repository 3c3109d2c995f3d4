package audit_test

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/commands"
	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/internal/audit"
	"github.com/seed5b6a70b4/identity/queries/memview"
)

// What commands wrote and views folded is as it must be.
func TestNothingIsFoundWhereNothingIsWrong(t *testing.T) {
	d := newDirectory(t, nil)
	log := d.log(t)
	view := viewOf(t, log)
	report, err := audit.Run(t.Context(), audit.Subject{
		Store: d.store, Secret: secret, View: view, Applied: map[string]func() uint64{"memview": view.Applied},
	}, audit.Options{Found: func(f audit.Finding) { t.Error(f) }})
	if err != nil {
		t.Fatal(err)
	}
	if report.Users != 3 || report.Groups != 4 || report.Memberships != 7 || report.Keys != 2 || report.Claims != 11 || report.Rows != 16 ||
		report.End != d.store.End() || report.Transactions != len(log) {
		t.Errorf("the audit went over %+v", report)
	}
}

// Whatever is taken from the log, put into it or changed in it is found.
func TestDamagedLogIsFound(t *testing.T) {
	for _, test := range []struct {
		name  string
		plant func(*directory, planted) planted
		// where and what one of the findings must say
		where func(*directory) eventstream.StreamID
		what  string
	}{
		{
			"a removed commit", func(d *directory, log planted) planted {
				at, _ := log.find(eventstream.Position{Stream: eventstream.UserStream(d.homer.UUID), Seq: 2})
				return slices.Delete(log, at, at+1).renumber()
			}, homers, "does not follow 1",
		},
		{
			"a removed transaction", func(d *directory, log planted) planted {
				at, _ := log.find(eventstream.Position{Stream: eventstream.UserStream(d.homer.UUID), Seq: 2})
				return slices.Delete(log, at, at+1)
			}, nowhere, "does not follow",
		},
		{
			"a swapped commit", func(d *directory, log planted) planted {
				first, i := log.find(eventstream.Position{Stream: eventstream.UserStream(d.homer.UUID), Seq: 2})
				second, j := log.find(eventstream.Position{Stream: eventstream.UserStream(d.homer.UUID), Seq: 3})
				log[first][i].Data, log[second][j].Data = log[second][j].Data, log[first][i].Data
				log[first][i].Hash = log[first][i].ComputeHash()
				log[second][j].Hash = log[second][j].ComputeHash()
				return log
			}, homers, "is not chained",
		},
		{
			"two transactions in each other's place", func(d *directory, log planted) planted {
				first, _ := log.find(eventstream.Position{Stream: eventstream.UserStream(d.homer.UUID), Seq: 2})
				second, _ := log.find(eventstream.Position{Stream: eventstream.UserStream(d.homer.UUID), Seq: 3})
				log[first], log[second] = log[second], log[first]
				return log.renumber()
			}, homers, "does not follow 1",
		},
		{
			"an altered commit", func(d *directory, log planted) planted {
				at, i := log.find(eventstream.Position{Stream: eventstream.UserStream(d.homer.UUID), Seq: 2})
				log[at][i].Data = bytes.Replace(log[at][i].Data, []byte("Homer"), []byte("Bomer"), 1)
				return log
			}, homers, "not what its hash says",
		},
		{
			"an altered commit with hashes to fit", func(d *directory, log planted) planted {
				at, i := log.find(eventstream.Position{Stream: eventstream.UserStream(d.homer.UUID), Seq: 3})
				log[at][i].Data = bytes.Replace(log[at][i].Data, []byte("Homer"), []byte("Bomer"), 1)
				return log.rehash()
			}, homers, "differs from the fold of the stream, at 3: name",
		},
		{
			"a truncated stream", func(d *directory, log planted) planted {
				at, _ := log.find(eventstream.Position{Stream: eventstream.UserStream(d.homer.UUID), Seq: 3})
				return slices.Delete(log, at, at+1).renumber()
			}, homers, "the view's row, at 3, differs from the fold of the stream, at 2",
		},
		{
			"a missing sibling", func(d *directory, log planted) planted {
				at, i := log.find(eventstream.Position{Stream: eventstream.UserStream(d.marge.UUID), Seq: 1})
				log[at] = slices.Delete(log[at], i, i+1)
				return log
			}, nil, "its sibling user/",
		},
		{
			"a commit that nobody names", func(d *directory, log planted) planted {
				at, i := log.find(eventstream.Position{Stream: eventstream.UserStream(d.marge.UUID), Seq: 1})
				for j := range log[at] {
					if j != i {
						log[at][j].Siblings = slices.DeleteFunc(slices.Clone(log[at][j].Siblings), func(p eventstream.Position) bool {
							return p.Stream == eventstream.UserStream(d.marge.UUID)
						})
					}
				}
				return log.rehash()
			}, nil, "does not name its sibling user/",
		},
		{
			"events that are none", func(d *directory, log planted) planted {
				at, i := log.find(eventstream.Position{Stream: eventstream.UserStream(d.homer.UUID), Seq: 3})
				log[at][i].Data = []byte(`[{"type":"SetNonsense","v":1,"data":{}}]`)
				return log.rehash()
			}, homers, "the events cannot be read",
		},
		{
			"a directory fact that is not listed", func(d *directory, log planted) planted {
				at, i := log.find(eventstream.Position{Stream: eventstream.UserStream(d.homer.UUID), Seq: 1})
				for j := range log[at] {
					if j != i && log[at][j].Stream.Kind() == eventstream.UsersKind {
						log[at][j].Data = bytes.Replace(log[at][j].Data, []byte(`"homer"`), []byte(`"gomer"`), 1)
					}
				}
				return log.rehash()
			}, homers, "SetUsername is not listed",
		},
		{
			"a time that goes back", func(d *directory, log planted) planted {
				at, i := log.find(eventstream.Position{Stream: eventstream.UserStream(d.homer.UUID), Seq: 3})
				log[at][i].Time = log[at][i].Time.AddDate(-1, 0, 0)
				return log.rehash()
			}, homers, "is earlier",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := newDirectory(t, nil)
			view := viewOf(t, d.log(t))
			log := test.plant(d, d.log(t))
			found := findings(t, audit.Subject{Store: log, Secret: secret, View: view})
			where := eventstream.StreamID("")
			if test.where != nil {
				where = test.where(d)
			}
			if !slices.ContainsFunc(found, func(f audit.Finding) bool {
				return strings.Contains(f.What, test.what) && (test.where == nil || f.Stream == where)
			}) {
				t.Errorf("nothing found says %q of %q:\n%v", test.what, where, found)
			}
		})
	}
}

func homers(d *directory) eventstream.StreamID { return eventstream.UserStream(d.homer.UUID) }
func nowhere(*directory) eventstream.StreamID  { return "" }

// What is written rightly but says what must not be is found, and nothing else.
func TestWrongStateIsFound(t *testing.T) {
	claimOf := func(kind domain.ClaimKind, compared string) eventstream.StreamID {
		return eventstream.ClaimStream(string(kind), secret.Key(kind, compared))
	}
	for _, test := range []struct {
		name  string
		plant func(*testing.T, *directory)
		want  []string
	}{
		{
			"a claim whose owner never was", func(t *testing.T, d *directory) {
				d.write(t, claimOf(domain.UsernameClaim, "nobody"), domain.SetOwner{Owner: uuid.Must(uuid.NewV7()), Kind: domain.UserMember, OwnerSeq: 1})
			}, []string{"which was never created"},
		},
		{
			"a claim whose owner is gone", func(t *testing.T, d *directory) {
				d.write(t, claimOf(domain.UsernameClaim, "gone"), domain.SetOwner{Owner: d.gone.UUID, Kind: domain.UserMember, OwnerSeq: 1})
			}, []string{"which is removed"},
		},
		{
			"a claim whose owner has another value", func(t *testing.T, d *directory) {
				d.write(t, claimOf(domain.UsernameClaim, "marge"), domain.SetOwner{Owner: d.marge.UUID, Kind: domain.UserMember, OwnerSeq: 1})
			}, []string{"which has another value or none"},
		},
		{
			"a value that nobody claims", func(t *testing.T, d *directory) {
				d.write(t, claimOf(domain.EmailClaim, "homer@example.org"), domain.SetOwner{OwnerSeq: 3, Former: d.homer.UUID})
			}, []string{"its email is claimed by nobody"},
		},
		{
			"a value that somebody else claims", func(t *testing.T, d *directory) {
				d.write(t, claimOf(domain.EmailClaim, "homer@example.org"), domain.SetOwner{Owner: d.marge.UUID, Kind: domain.UserMember, OwnerSeq: 1})
			}, []string{"its email is claimed by " /* marge */, "which has another value or none"},
		},
		{
			"an edge that nesting lacks", func(t *testing.T, d *directory) {
				d.write(t, eventstream.MemberStream(d.outer.UUID, d.innermost.UUID), domain.SetMember{Present: true, Kind: domain.GroupMember})
			}, []string{"lacks the edge"},
		},
		{
			"an edge that only nesting has, in a circle", func(t *testing.T, d *directory) {
				d.write(t, eventstream.NestingStream, domain.SetNesting{Group: d.innermost, Member: d.outer, Present: true})
			}, []string{"which does not count", "are in a cycle"},
		},
		{
			"a member that never was", func(t *testing.T, d *directory) {
				d.write(t, eventstream.MemberStream(d.outer.UUID, uuid.Must(uuid.NewV7())), domain.SetMember{Present: true, Kind: domain.UserMember})
			}, []string{"the member was never created"},
		},
		{
			"a fact in the all-users stream alone", func(t *testing.T, d *directory) {
				d.write(t, eventstream.UsersStream(0), domain.Listed{Of: d.homer.UUID, Seq: 3, Command: "c", Actor: "a", Fact: domain.SetActive{Active: false}})
			}, []string{"lists a SetActive"},
		},
		{
			"a finished request that shows what is not there", func(t *testing.T, d *directory) {
				d.write(t, eventstream.RequestStream("hash"), domain.SetOutcome{Digest: "d", Stream: string(eventstream.UserStream(d.homer.UUID)), Seq: 9})
			}, []string{"which is not there"},
		},
		{
			"a user's event in a group", func(t *testing.T, d *directory) {
				d.write(t, eventstream.GroupStream(d.outer.UUID), domain.SetGivenName{})
			}, []string{"cannot be folded"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := newDirectory(t, nil)
			test.plant(t, d)
			found := findings(t, audit.Subject{Store: d.store, Secret: secret})
			if len(found) != len(test.want) {
				t.Errorf("%d findings, not %d:\n%v", len(found), len(test.want), found)
			}
			for _, want := range test.want {
				if !slices.ContainsFunc(found, func(f audit.Finding) bool { return strings.Contains(f.What, want) }) {
					t.Errorf("nothing found says %q:\n%v", want, found)
				}
			}
		})
	}
}

// A view that was folded from something else than the log is found, row by row,
// without a word of what the rows say.
func TestAlteredViewIsFound(t *testing.T) {
	for _, test := range []struct {
		name  string
		plant func(*directory, planted) planted
		want  []string
	}{
		{
			"a user's row", func(d *directory, log planted) planted {
				at, i := log.find(eventstream.Position{Stream: eventstream.UserStream(d.marge.UUID), Seq: 1})
				log[at][i].Data = bytes.Replace(log[at][i].Data, []byte("marge@"), []byte("large@"), 1)
				return log
			}, []string{"at 3, differs from the fold of the stream, at 3: email"},
		},
		{
			"a group's row", func(d *directory, log planted) planted {
				at, i := log.find(eventstream.Position{Stream: eventstream.GroupStream(d.outer.UUID), Seq: 1})
				log[at][i].Data = bytes.Replace(log[at][i].Data, []byte("Outer"), []byte("Other"), 1)
				return log
			}, []string{"differs from the fold of the stream, at 1: name"},
		},
		{
			"a membership's row", func(d *directory, log planted) planted {
				at, i := log.find(eventstream.Position{Stream: eventstream.MemberStream(d.outer.UUID, d.homer.UUID), Seq: 1})
				log[at][i].Data = bytes.Replace(log[at][i].Data, []byte("true"), []byte("false"), 1)
				return log
			}, []string{"differs from the fold of the stream, at 1: present"},
		},
		{
			"a row that is missing", func(d *directory, log planted) planted {
				at, i := log.find(eventstream.Position{Stream: eventstream.GroupStream(d.innermost.UUID), Seq: 1})
				log[at] = slices.Delete(log[at], i, i+1)
				return log
			}, []string{"the view's row, at 0, differs"},
		},
		{
			"rows that are too many", func(_ *directory, log planted) planted {
				position := eventstream.Position{Stream: eventstream.UserStream(uuid.Must(uuid.NewV7())), Seq: 1}
				data, _ := domain.EncodeEvents([]domain.Event{domain.SetActive{Active: true}})
				return append(log, []eventstream.Commit{{Stream: position.Stream, Seq: 1, Data: data, Log: log.End() + 1}})
			}, []string{"is in the list of users, but has no commit"},
		},
		{
			"a key's row", func(_ *directory, log planted) planted {
				for i := range log {
					for j := range log[i] {
						if log[i][j].Stream.Kind() == eventstream.KeyKind {
							log[i][j].Data = bytes.Replace(log[i][j].Data, []byte(`["read"]`), []byte(`["admin"]`), 1)
						}
					}
				}
				return log
			}, []string{"differs from the fold of the stream, at 1: scopes"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := newDirectory(t, nil)
			view := viewOf(t, test.plant(d, d.log(t)))
			found := findings(t, audit.Subject{Store: d.store, Secret: secret, View: view})
			for _, want := range test.want {
				if !slices.ContainsFunc(found, func(f audit.Finding) bool { return strings.Contains(f.What, want) }) {
					t.Errorf("nothing found says %q:\n%v", want, found)
				}
			}
			for _, f := range found {
				if strings.Contains(strings.ToLower(f.String()), "large") || strings.Contains(f.String(), "Other") {
					t.Errorf("the finding tells a value: %s", f)
				}
			}
		})
	}
}

// forgetful is a view that leaves something out of its lists.
type forgetful struct {
	*memview.View
	user   domain.UserID
	member uuid.UUID
}

func (f forgetful) Users(ctx context.Context, after domain.UserID, limit int) ([]domain.User, error) {
	users, err := f.View.Users(ctx, after, limit)
	return slices.DeleteFunc(users, func(u domain.User) bool { return u.ID == f.user }), err
}

func (f forgetful) Members(ctx context.Context, group domain.GroupID, after uuid.UUID, limit int) ([]domain.Membership, error) {
	members, err := f.View.Members(ctx, group, after, limit)
	return slices.DeleteFunc(members, func(m domain.Membership) bool { return m.Member == f.member }), err
}

func TestListsThatForgetAreFound(t *testing.T) {
	d := newDirectory(t, nil)
	found := findings(t, audit.Subject{Store: d.store, Secret: secret, View: forgetful{viewOf(t, d.log(t)), d.marge, d.homer.UUID}})
	want := []audit.Finding{
		{Part: audit.Lists, Stream: eventstream.UserStream(d.marge.UUID), What: "is missing from the list of users"},
		{Part: audit.Lists, Stream: eventstream.MemberStream(d.outer.UUID, d.homer.UUID), What: "is missing from the list of members"},
	}
	if !slices.Equal(found, want) {
		t.Errorf("found %v", found)
	}
}

func TestIndexThatIsBehindIsFound(t *testing.T) {
	d := newDirectory(t, nil)
	found := findings(t, audit.Subject{Store: d.store, Secret: secret, Applied: map[string]func() uint64{
		"good": d.store.End, "lazy": func() uint64 { return 3 },
	}})
	if len(found) != 1 || !strings.Contains(found[0].What, "lazy has applied only up to here") || found[0].Log != 3 {
		t.Errorf("found %v", found)
	}
}

func TestForeignSecretIsFound(t *testing.T) {
	d := newDirectory(t, nil)
	found := findings(t, audit.Subject{Store: d.store, Secret: domain.ClaimSecret{8}})
	if !slices.ContainsFunc(found, func(f audit.Finding) bool {
		return f.Stream == eventstream.StoreStream && strings.Contains(f.What, "hashed under the secret")
	}) {
		t.Errorf("found %v", found)
	}
}

// What the log holds when the audit begins may be yet to be handed to the view,
// and to what follows the view.
func TestAuditWaitsForWhatIsOnItsWay(t *testing.T) {
	d := newDirectory(t, nil)
	log := d.log(t)
	last := log[len(log)-1]
	view := viewOf(t, log[:len(log)-1])
	handed := time.AfterFunc(50*time.Millisecond, func() {
		for i := range last {
			if view.Shows(last[i].Stream) {
				if err := view.Apply(context.Background(), last[i:i+1]); err != nil {
					t.Error(err)
				}
			}
		}
		view.SetApplied(last[0].Log)
	})
	defer handed.Stop()
	for _, f := range findings(t, audit.Subject{Store: d.store, Secret: secret, View: view, Applied: map[string]func() uint64{"memview": view.Applied}}) {
		t.Error(f)
	}
}

// While the directory is written to, nothing is found that is not there.
func TestAuditWhileWriting(t *testing.T) {
	view := viewOf(t, nil)
	d := newDirectory(t, func(transactions [][]eventstream.Commit) {
		for _, transaction := range transactions {
			for i := range transaction {
				if view.Shows(transaction[i].Stream) {
					if err := view.Apply(t.Context(), transaction[i:i+1]); err != nil {
						t.Error(err)
					}
				}
			}
			view.SetApplied(transaction[0].Log)
		}
	})
	const rounds = 200
	written := make(chan struct{})
	go func() {
		defer close(written)
		for number := range rounds {
			user, group := d.user(t, "u"+uuid.NewString()), d.group(t, uuid.NewString())
			d.do(t, commands.AddMember{Group: group, Member: user.UUID})
			d.do(t, commands.UpdateUser{ID: user, Name: commands.To(name(t, "Someone"))})
			d.do(t, commands.AddMember{Group: d.outer, Member: user.UUID})
			if number%2 == 0 {
				d.do(t, commands.DeleteUser{ID: user})
			} else {
				d.do(t, commands.DeleteGroup{ID: group})
			}
		}
	}()
	for done := false; !done; {
		select {
		case <-written:
			done = true
		default:
		}
		for _, f := range findings(t, audit.Subject{Store: d.store, Secret: secret, View: view, Applied: map[string]func() uint64{"memview": view.Applied}}) {
			t.Error(f)
		}
	}
}
