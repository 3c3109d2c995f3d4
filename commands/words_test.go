package commands_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/commands"
	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/memstore"
)

// The tables of this package say history in lines of text, one line a commit:
//
//	user/$anna SetUsername{"username":"anna"} SetActive{"active":true}
//	users/0 $anna@1 SetUsername{"username":"anna"}
//	claim/username/anna SetOwner{"owner":"$anna","kind":"user","ownerSeq":1}
//
// $anna is an id, $anna@1 the entity and commit that a listed fact is of, and a
// claim is named by its compared form. An id that the directory made is $new, and
// a digest is "digest".

// ids are the ids that tables speak of.
var ids = map[string]uuid.UUID{
	"anna": number(1), "bert": number(2), "staff": number(11), "admins": number(12), "guests": number(13), "nobody": number(99), "key": number(21),
}

func number(n byte) uuid.UUID { return uuid.UUID{6: 0x70, 8: 0x80, 15: n} }

func userID(name string) domain.UserID   { return domain.UserID{UUID: ids[name]} }
func groupID(name string) domain.GroupID { return domain.GroupID{UUID: ids[name]} }

// claimed are the compared forms that tables speak of.
var claimed = []string{"anna", "berta", "anna2", "a@x.org", "b@x.org", "hr-1", "hr-2", "staff", "admins", "crew"}

var (
	secret = domain.ClaimSecret{1, 2, 3}
	actor  = commands.Request{Actor: "key/test", Correlation: "trace"}
	noon   = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
)

// world is a directory over a store in memory with a clock of its own.
type world struct {
	t         testing.TB
	store     *memstore.Store
	streams   *eventstream.Streams
	directory commands.Directory
	handler   *commands.Handler
	now       time.Time
}

func newWorld(t testing.TB, options commands.Options) *world {
	t.Helper()
	w := &world{t: t, now: noon}
	w.store = memstore.New(&memstore.Options{Now: func() time.Time { return w.now }})
	w.streams = eventstream.New(w.store, &eventstream.Options{Backoff: time.Microsecond})
	directory, err := commands.OpenDirectory(t.Context(), w.streams, secret, 1)
	if err != nil {
		t.Fatal(err)
	}
	w.directory = directory
	options.Now = func() time.Time { return w.now }
	w.handler = commands.New(w.streams, directory, &options)
	return w
}

// do does what must succeed.
func (w *world) do(command commands.Command) commands.Result {
	w.t.Helper()
	result, err := w.handler.Do(w.t.Context(), actor, command)
	if err != nil {
		w.t.Fatalf("%T: %v", command, err)
	}
	return result
}

// refused does what must be refused, with the code.
func (w *world) refused(command commands.Command, code string) error {
	w.t.Helper()
	_, err := w.handler.Do(w.t.Context(), actor, command)
	if got := codeOf(err); got != code {
		w.t.Fatalf("%T: refused with %q (%v), want %q", command, got, err, code)
	}
	return err
}

func codeOf(err error) string {
	var refusal *domain.Error
	var stale *commands.StaleError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &refusal):
		return refusal.StableCode()
	case errors.As(err, &stale):
		return string(domain.Stale)
	default:
		return "fault: " + err.Error()
	}
}

// have appends the commits that the lines say.
func (w *world) have(lines string) {
	w.t.Helper()
	for line := range nonEmptyLines(lines) {
		name, rest, _ := strings.Cut(line, " ")
		data, err := json.Marshal(parseEvents(w.t, toIDs(rest)))
		if err != nil {
			w.t.Fatal(err)
		}
		stream := w.streamCalled(name)
		last, err := w.streams.Last(w.t.Context(), stream)
		if err != nil {
			w.t.Fatal(err)
		}
		tx := eventstream.Transaction{Command: uuid.New(), Actor: "given", Entries: []eventstream.Entry{{Stream: stream, Expect: eventstream.Exactly(last.Seq), Data: data}}}
		if _, err := w.streams.Append(w.t.Context(), tx); err != nil {
			w.t.Fatal(err)
		}
	}
}

func nonEmptyLines(text string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for line := range strings.Lines(text) {
			if line = strings.TrimSpace(line); line != "" && !yield(line) {
				return
			}
		}
	}
}

var eventText = regexp.MustCompile(`(?:([0-9a-f-]{36})@(\d+) )?(\w+)(\{.*?\})(?: |$)`)

func parseEvents(t testing.TB, text string) []map[string]any {
	t.Helper()
	var events []map[string]any
	for _, match := range eventText.FindAllStringSubmatch(text, -1) {
		event := map[string]any{"type": match[3], "v": 1, "data": json.RawMessage(match[4])}
		if match[1] != "" {
			event["of"], event["seq"] = match[1], json.Number(match[2])
		}
		events = append(events, event)
	}
	if len(events) == 0 {
		t.Fatalf("no events in %q", text)
	}
	return events
}

// written gives the commits after a position of the log, as lines.
func (w *world) written(after uint64) string {
	w.t.Helper()
	var lines []string
	for commits, err := range w.store.Tail(context.Background(), after) {
		if err != nil {
			w.t.Fatal(err)
		}
		for i := range commits {
			lines = append(lines, w.line(&commits[i]))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func (w *world) line(commit *eventstream.Commit) string {
	w.t.Helper()
	envelopes, err := domain.DecodeEnvelopes(commit.Data)
	if err != nil {
		w.t.Fatal(err)
	}
	line := w.nameOf(commit.Stream)
	for _, envelope := range envelopes {
		line += " "
		if envelope.Of != uuid.Nil {
			line += fmt.Sprintf("%s@%d ", envelope.Of, envelope.Seq)
			if envelope.Command != commit.Command.String() || envelope.Actor != commit.Actor {
				w.t.Errorf("a fact in %s names another command or actor than its commit", commit.Stream)
			}
		}
		line += envelope.Type + string(envelope.Data)
	}
	return toNames(line)
}

func (w *world) streamCalled(name string) eventstream.StreamID {
	kind, rest, _ := strings.Cut(name, "/")
	if kind != "claim" {
		return eventstream.StreamID(toIDs(name))
	}
	claim, value, _ := strings.Cut(rest, "/")
	return w.directory.ClaimOf(domain.ClaimKind(claim), value)
}

func (w *world) nameOf(stream eventstream.StreamID) string {
	for _, kind := range []domain.ClaimKind{domain.UsernameClaim, domain.EmailClaim, domain.GroupNameClaim, domain.ExternalIDClaim} {
		for _, value := range claimed {
			if w.directory.ClaimOf(kind, value) == stream {
				return "claim/" + string(kind) + "/" + value
			}
		}
	}
	if stream.Kind() == eventstream.RequestKind {
		return "request"
	}
	return string(stream)
}

var idName = regexp.MustCompile(`\$(\w+)`)

func toIDs(text string) string {
	return idName.ReplaceAllStringFunc(text, func(name string) string {
		id, known := ids[name[1:]]
		if !known {
			panic("no id is called " + name)
		}
		return id.String()
	})
}

var (
	anyID     = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	anyDigest = regexp.MustCompile(`[0-9a-f]{64}`)
)

func toNames(text string) string {
	for name, id := range ids {
		text = strings.ReplaceAll(text, id.String(), "$"+name)
	}
	return anyDigest.ReplaceAllString(anyID.ReplaceAllString(text, "$$new"), "digest")
}

// scenario is a row of a table: given events, when a command is done, then events
// are written, or it is refused.
type scenario struct {
	name  string
	given string
	when  commands.Command
	// then is the commits written, or nothing.
	then string
	// refused is the code of the refusal, if it is one.
	refused string
}

func run(t *testing.T, scenarios []scenario) {
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) {
			w := newWorld(t, commands.Options{})
			w.have(s.given)
			before := w.store.End()
			result, err := w.handler.Do(t.Context(), actor, s.when)
			if got := codeOf(err); got != s.refused {
				t.Fatalf("refused with %q (%v), want %q", got, err, s.refused)
			}
			want := strings.Join(slices.Sorted(nonEmptyLines(s.then)), "\n")
			if diff := cmp.Diff(want, w.written(before)); diff != "" {
				t.Errorf("written (-want +got):\n%s", diff)
			}
			if result.Changed != (want != "") {
				t.Errorf("Changed is %v", result.Changed)
			}
		})
	}
}

// must unwraps what a Parse function makes of a good value.
func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func username(text string) domain.Username     { return must(domain.ParseUsername(text)) }
func email(text string) domain.Email           { return must(domain.ParseEmail(text)) }
func externalID(text string) domain.ExternalID { return must(domain.ParseExternalID(text)) }
func groupName(text string) domain.GroupName   { return must(domain.ParseGroupName(text)) }
func text(text string) domain.Text             { return must(domain.ParseText(text, domain.MaxText)) }
func attribute(json string) domain.Attribute   { return must(domain.ParseAttribute([]byte(json))) }

// compareUnexported lets values of the domain be compared by what they hold.
var compareUnexported = cmp.Exporter(func(reflect.Type) bool { return true })
