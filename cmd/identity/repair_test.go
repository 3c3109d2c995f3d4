package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/internal/audit"
	"github.com/seed5b6a70b4/identity/internal/testservers"
	"github.com/seed5b6a70b4/identity/queries"
	"github.com/seed5b6a70b4/identity/queries/elasticview"
	"github.com/seed5b6a70b4/identity/queries/memsearch"
	"github.com/seed5b6a70b4/identity/queries/memview"
)

// spoiled has snapshots in which a user's row, and if wanted another one's
// document, say something else than the log.
func spoiled(t *testing.T, data string, rowToo bool) {
	t.Helper()
	b, err := openEmbedded(t.Context(), data, settings{})
	if err != nil {
		t.Fatal(err)
	}
	view := memview.New(&memview.Options{Source: b.directory.Epoch.String()})
	index := memsearch.New(memsearch.Options{Source: b.directory.Epoch.String(), Documents: standardDocument.shape})
	var first, second uuid.UUID
	for transaction, err := range b.store.Tail(t.Context(), 0) {
		if err != nil {
			t.Fatal(err)
		}
		for _, commit := range transaction {
			if !view.Shows(commit.Stream) {
				continue
			}
			if id, is := commit.Stream.UUID(); is && commit.Stream.Kind() == "user" && commit.Seq == 1 {
				if first == uuid.Nil && rowToo {
					first = id
					commit.Data = bytes.Replace(commit.Data, []byte(`"SetGivenName","v":1,"data":{"givenName":"`), []byte(`"SetGivenName","v":1,"data":{"givenName":"Not`), 1)
				} else if second == uuid.Nil {
					second = id
				}
			}
			if err := view.Apply(t.Context(), append(transaction[:0:0], commit)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, kind := range []domain.MemberKind{domain.UserMember, domain.GroupMember} {
		for entity := range view.Ahead(kind, index.Revisions(kind)) {
			document, err := view.Document(t.Context(), entity.Kind, entity.ID)
			if err != nil {
				t.Fatal(err)
			}
			if entity.ID == second {
				document.Name = "nobody of that name"
			}
			if err := index.Put(t.Context(), []queries.Document{document}); err != nil {
				t.Fatal(err)
			}
		}
	}
	view.SetApplied(b.store.End())
	index.SetApplied(b.store.End())
	if err := errors.Join(view.Save(b.data.snapshots()), index.Save(b.data.snapshots()), b.close()); err != nil {
		t.Fatal(err)
	}
}

type verified struct {
	Findings []audit.Finding
	verdict
}

func verify(t *testing.T, want int, args ...string) (v verified) {
	t.Helper()
	code, out, errs := runHere(t, append([]string{"verify", "--json"}, args...)...)
	if err := json.Unmarshal([]byte(out), &v); err != nil || code != want {
		t.Errorf("verify %v ends with %d, not %d, %v:\n%s%s", args, code, want, err, out, errs)
	}
	return v
}

// What is derived and spoilt is found, made anew, and stays so; what is not is told
// and left.
func TestVerifyRepairsWhatIsDerived(t *testing.T) {
	dir := t.TempDir()
	data := filepath.Join(dir, "identity-data")
	if code, _, errs := runHere(t, "seed", "--users", "50", "--groups", "5", "--data", data); code != exitDone {
		t.Fatal(errs)
	}
	spoiled(t, data, true)
	if v := verify(t, exitFailed, "--data", data); v.Parts[audit.Rows] != 1 || v.Parts[audit.Documents] != 1 || len(v.Findings) != v.Drift {
		t.Fatalf("found %+v", v)
	}
	if v := verify(t, exitFailed, "--data", data, "--show", "1"); len(v.Findings) != 1 || v.Drift != 2 {
		t.Errorf("shown %+v", v)
	}
	if v := verify(t, exitDone, "--data", data, "--repair"); v.Repaired == 0 || v.Drift != 0 || len(v.Findings) != 2 {
		t.Errorf("repaired %+v", v)
	}
	verify(t, exitDone, "--data", data)

	spoiled(t, data, false)
	claim := plantClaim(t, data)
	p := mustStart(t, dir)
	if v := verify(t, exitFailed, "--data", data, "--repair"); v.Repaired != 1 || v.Drift != 1 || len(v.Remaining) != 1 || v.Remaining[0].Stream != claim {
		t.Errorf("through a service is repaired %+v", v)
	}
	if err := p.signal(syscall.SIGTERM); err != nil || p.wait() != exitDone {
		t.Errorf("the service did not end well: %v", err)
	}
	if v := verify(t, exitFailed, "--data", data); v.Parts[audit.Claims] != 1 || v.Drift != 1 {
		t.Errorf("afterwards is found %+v", v)
	}
	if code, out, _ := runHere(t, "verify", "--data", data, "--show", "-1"); code != exitUsage || out != "" {
		t.Errorf("less than nothing is shown: %d %s", code, out)
	}
}

// says runs a command that ends by itself.
func (w *world) says(args ...string) (code int, out string) {
	w.t.Helper()
	command := exec.CommandContext(w.t.Context(), os.Args[0], args...)
	command.Env = append(w.direct, beIdentity+"=1")
	printed, err := command.Output()
	if ended := (*exec.ExitError)(nil); err != nil && !errors.As(err, &ended) {
		w.t.Fatal(err)
	}
	return command.ProcessState.ExitCode(), string(printed)
}

// On DynamoDB and Elasticsearch too, while the service runs.
func TestVerifyRepairsInTheCloud(t *testing.T) {
	w := newWorld(t, 0, "--search", elasticSearch)
	p := w.start(w.direct, "serve", "--search", elasticSearch)
	who := newPerson("spoilt")
	w.mustWrite(p, who, "Spoilt")
	eventually(t, serversTime, "nothing is found", func() error {
		if code, out := w.says("verify", "--search", elasticSearch); code != exitDone {
			return errors.New(out)
		}
		return nil
	})
	index, err := elasticview.New(elasticview.Options{URLs: []string{testservers.Elasticsearch(t)}, Name: w.names.Index})
	if err != nil {
		t.Fatal(err)
	}
	id := uuid.MustParse(who.ID)
	held, err := index.Holding(t.Context(), domain.UserMember, id)
	if err == nil {
		err = index.Replace(t.Context(), []queries.Document{
			{ID: id, Kind: domain.UserMember, Revision: held.Revision, Name: "Somebody"},
			{ID: uuid.UUID{15: 1}, Kind: domain.UserMember, Revision: 1, Name: "Nobody"},
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	code, out := w.says("verify", "--url", p.url)
	if code != exitFailed || !strings.Contains(out, "differs from what the view makes") || !strings.Contains(out, "the view does not know it") || strings.Contains(out, "Somebody") {
		t.Errorf("found with %d: %s", code, out)
	}
	if code, out := w.says("verify", "--url", p.url, "--repair"); code != exitDone || !strings.Contains(out, "2 were made anew") || !strings.Contains(out, "no drift any more") {
		t.Errorf("repaired with %d: %s", code, out)
	}
}
