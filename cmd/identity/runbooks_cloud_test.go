package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/sync/dynamostate"
)

// crowd writes some users, one of whom is removed, and a group with two of them.
func (w *world) crowd(p *process) (all []*person, members string) {
	w.t.Helper()
	for i := range 6 {
		who := newPerson("Ada")
		w.mustWrite(p, who, fmt.Sprintf("Ada %d", i))
		all = append(all, who)
	}
	w.remove(p, all[5])
	group := uuid.Must(uuid.NewV7()).String()
	members = "/groups/" + group + "/members"
	for _, write := range []struct {
		path string
		body any
	}{
		{"/groups", map[string]string{"id": group, "name": "those who count"}},
		{members, map[string]any{"members": []string{all[0].ID, all[1].ID}}},
	} {
		if r := p.ask(w.t, http.MethodPost, write.path, write.body); r.status/100 != 2 {
			w.t.Fatalf("%s is answered %d: %s", write.path, r.status, r.body)
		}
	}
	return all, members
}

// whole demands that everything acknowledged is shown, that what is taken stays so, and
// that what comes is followed; and then that an audit finds nothing.
func (w *world) whole(p *process, all []*person, members string, flags ...string) []*person {
	w.t.Helper()
	if err := w.shownAs(p, "", all); err != nil {
		w.t.Error(err)
	}
	if err := w.hasMembers(p, members); err != nil {
		w.t.Error(err)
	}
	again := newPerson("again")
	again.Username = all[0].Username
	if r := p.ask(w.t, http.MethodPost, "/users", again); r.status != http.StatusConflict {
		w.t.Errorf("a username that is taken is answered %d: %s", r.status, r.body)
	}
	who := newPerson("Fresh")
	w.mustWrite(p, who, "Fresh")
	all = append(all, who)
	eventually(w.t, serversTime, "what comes is shown without a token", func() error { return w.shownAs(p, "", all) })
	w.verified(flags...)
	return all
}

func (w *world) hasMembers(p *process, members string) error {
	w.t.Helper()
	if r := p.ask(w.t, http.MethodGet, members, nil); r.status != http.StatusOK || strings.Count(string(r.body), `"kind":"user"`) != 2 {
		return fmt.Errorf("members are answered %d: %s", r.status, r.body)
	}
	return nil
}

// followed waits until what crowd wrote is shown.
func (w *world) followed(p *process, all []*person, members string) {
	w.t.Helper()
	eventually(w.t, serversTime, "all is shown", func() error {
		return errors.Join(w.shownAs(p, "", all), w.hasMembers(p, members))
	})
}

// lose deletes a table.
func (w *world) lose(table string) {
	w.t.Helper()
	if _, err := w.tables.DeleteTable(w.t.Context(), &dynamodb.DeleteTableInput{TableName: &table}); err != nil {
		w.t.Fatal(err)
	}
}

// alter flips a bit of the first commit of a stream; the second time that is undone.
func (w *world) alter(stream string) {
	w.t.Helper()
	key := map[string]types.AttributeValue{"p": &types.AttributeValueMemberS{Value: stream}, "s": &types.AttributeValueMemberN{Value: "1"}}
	found, err := w.tables.GetItem(w.t.Context(), &dynamodb.GetItemInput{TableName: &w.names.Events, Key: key})
	if err != nil || found.Item == nil {
		w.t.Fatalf("the commit is %v, %v", found, err)
	}
	found.Item["d"].(*types.AttributeValueMemberB).Value[5] ^= 1
	if _, err := w.tables.PutItem(w.t.Context(), &dynamodb.PutItemInput{TableName: &w.names.Events, Item: found.Item}); err != nil {
		w.t.Fatal(err)
	}
}

// The runbook of a lost table of views, and of a lost table of state: both are made
// again, and show all that was acknowledged.
func TestRunbookOfALostTable(t *testing.T) {
	w := newWorld(t, 0)
	p := w.start(w.direct, "serve")
	all, members := w.crowd(p)
	secret, err := dynamostate.New(w.tables, w.names.State).Secret(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	w.lose(w.names.Views)
	endsWell(t, p)
	w.done("init", "--store", "dynamodb")
	p = w.start(w.direct, "serve")
	all = w.whole(p, all, members)

	w.order(p, "/views:rebuild", map[string]any{"views": []string{"rows"}}, http.StatusAccepted)
	w.rebuilt(p) // so that another generation answers than the one that begins
	endsWell(t, p)
	w.lose(w.names.State)
	w.direct = append(slices.Clone(w.direct), claimVar+"="+hex.EncodeToString(secret))
	w.done("init", "--store", "dynamodb")
	p = w.start(w.direct, "serve")
	w.whole(p, all, members)
}

// The runbook of a corrupt entry in the table of commits: it is named, the table is
// restored, and what was restored is a directory.
func TestRunbookOfACorruptItem(t *testing.T) {
	w := newWorld(t, 0)
	p := w.start(w.direct, "serve")
	all, members := w.crowd(p)
	eventually(t, serversTime, "all are shown", func() error { return w.shownAs(p, "", all) })
	endsWell(t, p)
	copied := "restored-" + uuid.NewString()
	w.copyTable(w.names.Events, namesOf(copied).Events)

	w.alter("user/" + all[2].ID)
	if code, out := w.says("verify"); code != exitFailed || !regexp.MustCompile(`(?m)^user/`+all[2].ID+`.*\b1\b`).MatchString(out) {
		t.Errorf("verify ends with %d: %s", code, out)
	}

	w.done("init", "--store", "dynamodb", "--table-prefix", copied, "--restored", "--secret-of", strings.TrimSuffix(w.names.Events, "-events"))
	w.direct = append(slices.Clone(w.direct), "IDENTITY_TABLE_PREFIX="+copied)
	again := w.start(w.direct, "serve")
	if r := again.ask(t, http.MethodGet, "/users", nil, "X-Consistency", all[0].token); r.status != http.StatusBadRequest || !strings.Contains(string(r.body), "foreign_token") {
		t.Errorf("a token of the life before is answered %d: %s", r.status, r.body)
	}
	w.whole(again, all, members)
}

// The runbook of an index whose data is gone.
func TestRunbookOfALostIndex(t *testing.T) {
	w := newWorld(t, 0, "--search", elasticSearch)
	p := w.start(w.direct, "serve", "--search", elasticSearch)
	all, members := w.crowd(p)
	eventually(t, serversTime, "they are found before", func() error { return w.shownAs(p, "q=Ada", all) })
	w.loseIndex()
	if r := p.ask(t, http.MethodGet, "/users?q=Ada", nil); r.status != http.StatusServiceUnavailable {
		t.Errorf("a search is answered %d: %s", r.status, r.body)
	}
	if err := w.shownAs(p, "", all); err != nil {
		t.Errorf("everything but search: %v", err)
	}

	w.done("init", "--store", "dynamodb", "--search", elasticSearch)
	endsWell(t, p)
	p = w.start(w.direct, "serve", "--search", elasticSearch)
	w.done("verify", "--store", "dynamodb", "--search", elasticSearch, "--repair")
	all = w.whole(p, all, members, "--store", "dynamodb", "--search", elasticSearch)
	var found []*person
	for _, who := range all {
		if strings.HasPrefix(who.DisplayName, "Ada") {
			found = append(found, who)
		}
	}
	eventually(t, serversTime, "they are found again", func() error { return w.shownAs(p, "q=Ada", found) })
}

// The runbook of a lag that stands: nobody reads, which is seen, and a synchroniser
// that is started catches up.
func TestRunbookOfALagThatStands(t *testing.T) {
	w := newWorld(t, 0)
	p := w.start(w.direct, "serve", "--feed", "none")
	all, members := w.crowd(p)
	if held := p.metric(t, "identity_feed_leases_held", ""); held != 0 {
		t.Errorf("it is said to read %v shards", held)
	}
	if err := w.shownAs(p, "", all); err == nil {
		t.Error("nobody reads, and all is shown")
	}
	w.finds("user/" + all[0].ID)
	w.finds("user/"+all[0].ID, "--url", p.url)
	w.start(w.direct, "sync")
	w.followed(p, all, members)
	w.whole(p, all, members)
}

// The runbook of a parked stream: it stands still in its view and everything else goes
// on; what was wrong is put right, it is tried again, and is as the stream says.
func TestRunbookOfAParkedStream(t *testing.T) {
	w := newWorld(t, 0)
	p := w.start(w.direct, "serve", "--feed", "none")
	all, members := w.crowd(p)
	stream := "user/" + all[2].ID
	w.alter(stream)
	w.start(w.direct, "sync")
	listed := regexp.MustCompile(`(?m)^dynamoview\t` + stream + `\tat 1\tcorrupt\tsince `)
	eventually(t, serversTime, "it is parked", func() error {
		if code, out := w.says("parked"); code != exitDone || !listed.MatchString(out) {
			return fmt.Errorf("%w: %d %s", errNotYet, code, out)
		}
		return nil
	})
	if fault := p.askOnce(t, http.MethodGet, "/users/"+all[2].ID, nil, "X-Consistency", all[2].token, "Prefer", patience).refused(10*time.Second, "parked"); fault != "" {
		t.Errorf("who demands it is answered %s", fault)
	}
	others := append(slices.Clone(all[:2]), all[3:]...)
	eventually(t, serversTime, "everything else goes on", func() error { return w.shownAs(p, "", others) })
	if code, out, errs := w.command(t.Context(), "parked", "retry", stream); code != exitFailed || !strings.Contains(out, "still parked") {
		t.Errorf("tried again with nothing put right: %d %s%s", code, out, errs)
	}
	if code, out := w.says("verify"); code != exitFailed || !strings.Contains(out, stream) {
		t.Errorf("verify ends with %d: %s", code, out)
	}

	w.alter(stream) // back to what was written
	w.done("parked", "retry")
	eventually(t, serversTime, "nothing is parked any more", func() error {
		if code, out := w.says("parked"); code != exitDone || out != "" {
			return fmt.Errorf("listed is %d %s", code, out)
		}
		return nil
	})
	w.followed(p, all, members)
	w.whole(p, all, members)
}
