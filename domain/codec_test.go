package domain_test

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/seed5b6a70b4/identity/domain"
)

// exact compares events in every field, those that are not exported too.
func exact(got, want any) string {
	return cmp.Diff(want, got, cmp.Exporter(func(reflect.Type) bool { return true }))
}

func TestUnknownFieldsAreKeptAndPassedOver(t *testing.T) {
	const data = `[{"type":"SetActive","v":1,"later":[{"x":1}],"data":{"active":true,"since":"a\nb","why":{"deep":[1,{}]}}}]`
	events, err := domain.DecodeEvents([]byte(data))
	if err != nil || exact(events, []domain.Event{domain.SetActive{Active: true}}) != "" {
		t.Fatalf("read as %v (%v)", events, err)
	}
	envelopes, err := domain.DecodeEnvelopes([]byte(data))
	if err != nil || len(envelopes) != 1 || string(envelopes[0].Data) != `{"active":true,"since":"a\nb","why":{"deep":[1,{}]}}` {
		t.Fatalf("kept as %v (%v)", envelopes, err)
	}
	event, err := envelopes[0].Event()
	if err != nil || exact(event, domain.SetActive{Active: true}) != "" {
		t.Fatalf("read from its envelope as %v (%v)", event, err)
	}
}

func TestEventsAreReadHoweverTheirJSONIsWritten(t *testing.T) {
	want := []domain.Event{domain.SetName{Name: text("Elé\"ni")}, domain.Listed{Of: user1, Seq: 3, Command: "c", Actor: "a", Fact: domain.SetActive{Active: true}}}
	for name, data := range map[string]string{
		"as it is written": `[{"type":"SetName","v":1,"data":{"name":"Elé\"ni"}},{"type":"SetActive","v":1,"of":"` + user1.String() + `","seq":3,"command":"c","actor":"a","data":{"active":true}}]`,
		"with spaces":      " [ { \"type\" : \"SetName\" ,\n\"v\"\t:\r1 , \"data\" : { \"name\" : \"Elé\\\"ni\" } } , {\"type\":\"SetActive\",\"v\":1,\"of\":\"" + user1.String() + "\",\"seq\": 3 ,\"command\":\"c\",\"actor\":\"a\",\"data\":{\"active\":true}} ] \n",
		"data first":       `[{"data":{"name":"Elé\"ni"},"v":1,"type":"SetName"},{"of":"` + user1.String() + `","data":{"active":true},"actor":"a","seq":3,"command":"c","type":"SetActive","v":1}]`,
		"version last":     `[{"type":"SetName","data":{"name":"Elé\"ni"},"v":1},{"type":"SetActive","data":{"active":true},"v":1,"of":"` + user1.String() + `","seq":3,"command":"c","actor":"a"}]`,
		"escaped":          `[{"\u0074ype":"Set\u004eame","v":1,"data":{"na\u006de":"El\u00e9\u0022ni"}},{"type":"SetActive","v":1,"of":"` + user1.String() + `","seq":3,"command":"\u0063","actor":"a","data":{"active":true}}]`,
	} {
		got, err := domain.DecodeEvents([]byte(data))
		if diff := exact(got, want); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
	if got, err := domain.DecodeEvents([]byte(`[]`)); err != nil || len(got) != 0 {
		t.Errorf("no events: %v, %v", got, err)
	}
}

func TestUnknownTypesAndVersions(t *testing.T) {
	for name, data := range map[string]string{
		"a type that is not known":      `[{"type":"SetActive","v":1,"data":{"active":true}},{"type":"SetRole","v":1,"data":{}}]`,
		"a type in another case":        `[{"type":"setActive","v":1,"data":{"active":true}}]`,
		"no type":                       `[{"v":1,"data":{}}]`,
		"an empty type":                 `[{"type":"","v":1,"data":{}}]`,
		"a version that is to come":     `[{"type":"SetActive","v":2,"data":{"active":true}}]`,
		"version 0":                     `[{"type":"SetActive","v":0,"data":{"active":true}}]`,
		"a negative version":            `[{"type":"SetActive","v":-1,"data":{"active":true}}]`,
		"no version":                    `[{"type":"SetActive","data":{"active":true}}]`,
		"no version before the data":    `[{"data":{"active":true},"type":"SetActive"}]`,
		"Listed is not a type":          `[{"type":"Listed","v":1,"data":{}}]`,
		"unknown data of an unknown":    `[{"type":"SetRole","v":1,"data":[1,2]}]`,
		"a listed fact of unknown type": `[{"type":"SetRole","v":1,"of":"` + user1.String() + `","seq":1,"data":{}}]`,
	} {
		events, err := domain.DecodeEvents([]byte(data))
		if !errors.Is(err, domain.ErrUnknownEvent) || events != nil {
			t.Errorf("%s: %v, %v; want ErrUnknownEvent", name, events, err)
		}
		envelopes, err := domain.DecodeEnvelopes([]byte(data))
		if err != nil || len(envelopes) == 0 {
			t.Errorf("%s: its envelope cannot be read: %v", name, err)
			continue
		}
		if event, err := envelopes[len(envelopes)-1].Event(); !errors.Is(err, domain.ErrUnknownEvent) || event != nil {
			t.Errorf("%s: from its envelope %v, %v; want ErrUnknownEvent", name, event, err)
		}
	}
}

// secret stands where personal data might, in events that cannot be read.
const secret = "eleni@secret.example"

var malformedEvents = map[string]string{
	"nothing":                  ``,
	"no JSON":                  secret,
	"null":                     `null`,
	"an object":                `{"type":"SetActive","v":1,"data":{"active":true}}`,
	"a string":                 `"` + secret + `"`,
	"cut":                      `[{"type":"SetName","v":1,"data":{"name":"` + secret,
	"cut after an event":       `[{"type":"SetName","v":1,"data":{"name":"` + secret + `"}}`,
	"something after":          `[{"type":"SetName","v":1,"data":{"name":"` + secret + `"}}]` + secret,
	"a comma after":            `[{"type":"SetName","v":1,"data":{"name":"` + secret + `"}},]`,
	"a comma in data":          `[{"type":"SetName","v":1,"data":{"name":"` + secret + `",}}]`,
	"no comma":                 `[{"type":"SetName" "v":1,"data":{"name":"` + secret + `"}}]`,
	"no colon":                 `[{"type" "SetName"}]`,
	"a name without quotes":    `[{type:"` + secret + `"}]`,
	"an event that is a text":  `["` + secret + `"]`,
	"data that is a text":      `[{"type":"SetName","v":1,"data":"` + secret + `"}]`,
	"data that is null":        `[{"type":"SetName","v":1,"data":null}]`,
	"no data":                  `[{"type":"SetName","v":1}]`,
	"a name that is a number":  `[{"type":"SetName","v":1,"data":{"name":23}}]`,
	"a name that is a list":    `[{"type":"SetName","v":1,"data":{"name":["` + secret + `"]}}]`,
	"truth that is a text":     `[{"type":"SetActive","v":1,"data":{"active":"` + secret + `"}}]`,
	"truth misspelt":           `[{"type":"SetActive","v":1,"data":{"active":True}}]`,
	"truth cut":                `[{"type":"SetActive","v":1,"data":{"active":tru}}]`,
	"a number that is a text":  `[{"type":"SetOutcome","v":1,"data":{"digest":"","stream":"","seq":"` + secret + `"}}]`,
	"a number with a fraction": `[{"type":"SetOutcome","v":1,"data":{"seq":1.5}}]`,
	"a negative number":        `[{"type":"SetOutcome","v":1,"data":{"seq":-1}}]`,
	"a number too large":       `[{"type":"SetOutcome","v":1,"data":{"seq":18446744073709551616}}]`,
	"a number with a zero":     `[{"type":"SetOutcome","v":1,"data":{"seq":01}}]`,
	"an id that is none":       `[{"type":"SetNode","v":1,"data":{"group":"` + secret + `","removed":true}}]`,
	"an id that is null":       `[{"type":"SetNode","v":1,"data":{"group":null,"removed":true}}]`,
	"scopes that are a text":   `[{"type":"SetKey","v":1,"data":{"scopes":"` + secret + `"}}]`,
	"scopes that are numbers":  `[{"type":"SetKey","v":1,"data":{"scopes":[1]}}]`,
	"of nobody":                `[{"type":"SetActive","v":1,"of":"` + secret + `","data":{"active":true}}]`,
	"a type that is a number":  `[{"type":1,"v":1,"data":{}}]`,
	"a version that is a text": `[{"type":"SetName","v":"` + secret + `","data":{"name":"a"}}]`,
	"a text not UTF-8":         "[{\"type\":\"SetName\",\"v\":1,\"data\":{\"name\":\"" + secret + "\xff\"}}]",
	"half a surrogate":         `[{"type":"SetName","v":1,"data":{"name":"` + secret + `\ud800"}}]`,
	"a bad escape":             `[{"type":"SetName","v":1,"data":{"name":"` + secret + `\x"}}]`,
	"a bare control":           "[{\"type\":\"SetName\",\"v\":1,\"data\":{\"name\":\"" + secret + "\n\"}}]",
	"unknown and malformed":    `[{"type":"SetName","v":1,"data":{"name":"a","x":[1,}}}]`,
	"unknown and not closed":   `[{"type":"SetName","v":1,"data":{"name":"a","x":[[1}}]`,
	"brackets crossed":         `[{"type":"SetName","v":1,"data":{"name":"a","x":[{]}}}]`,
	"an unknown bad text":      `[{"type":"SetName","v":1,"data":{"name":"a","x":"\x"}}]`,
	"very deep":                `[{"type":"SetName","v":1,"data":{"x":` + strings.Repeat("[", 30000) + `}}]`,
}

func TestMalformedEvents(t *testing.T) {
	for name, data := range malformedEvents {
		events, err := domain.DecodeEvents([]byte(data))
		if err == nil || events != nil || errors.Is(err, domain.ErrUnknownEvent) {
			t.Errorf("%s: %v, %v; want an error, and not ErrUnknownEvent", name, events, err)
			continue
		}
		if strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "eleni") {
			t.Errorf("%s: the error tells what was there: %v", name, err)
		}
		if _, err := domain.DecodeEnvelopes([]byte(data)); err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the error of the envelopes tells what was there: %v", name, err)
		}
	}
}

func TestAnEnvelopeHoldsOneObject(t *testing.T) {
	for _, data := range []string{``, ` `, `null`, `[]`, `{"active":true} x`, `{"active":true}{}`, `{"active":true`} {
		envelope := domain.Envelope{Type: "SetActive", Version: 1, Data: jsontext.Value(data)}
		if event, err := envelope.Event(); err == nil || event != nil {
			t.Errorf("%q: %v, %v; want an error", data, event, err)
		}
	}
}

func TestAnUnknownTypeThatIsNoNameIsNotRepeated(t *testing.T) {
	for _, name := range []string{secret, "Eleni Papadopoulou", "Ελένη", strings.Repeat("a", 100), `\"x`} {
		_, err := domain.DecodeEvents([]byte(`[{"type":"` + name + `","v":1,"data":{}}]`))
		if !errors.Is(err, domain.ErrUnknownEvent) || strings.Contains(err.Error(), name) {
			t.Errorf("%v", err)
		}
	}
	if _, err := domain.DecodeEvents([]byte(`[{"type":"SetRole2","v":7,"data":{}}]`)); err == nil || !strings.Contains(err.Error(), "SetRole2") {
		t.Errorf("the error does not name the type: %v", err)
	}
}

func TestEventsHoldNothingOfTheirJSON(t *testing.T) {
	data := must(domain.EncodeEvents(newUser()))
	events := must(domain.DecodeEvents(data))
	for i := range data {
		data[i] = 'x'
	}
	if diff := exact(events, newUser()); diff != "" {
		t.Errorf("the events changed with the bytes they were read from:\n%s", diff)
	}
}

func TestTextsThatAreNotUTF8AreNotWritten(t *testing.T) {
	_, err := domain.EncodeEvents([]domain.Event{domain.SetOutcome{Stream: "\xff"}})
	if err == nil {
		t.Error("an event was written that cannot be read")
	}
}

func TestTypeOf(t *testing.T) {
	for _, event := range newUser() {
		if got := domain.TypeOf(event); got != reflect.TypeOf(event).Name() {
			t.Errorf("%T has the name %s", event, got)
		}
	}
	if got := domain.TypeOf(domain.Listed{Fact: domain.SetActive{}}); got != "SetActive" {
		t.Errorf("a listed SetActive has the name %s", got)
	}
}

// FuzzDecodeEvents compares the decoder with the JSON library, which reads the
// envelopes: what the one accepts the other does, and they give the same. Only of
// names that stand twice in an object they think differently.
func FuzzDecodeEvents(f *testing.F) {
	for _, events := range golden {
		f.Add(must(domain.EncodeEvents(events)))
	}
	for _, data := range malformedEvents {
		if len(data) < 1000 {
			f.Add([]byte(data))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		events, err := domain.DecodeEvents(data)
		want, wantErr := decodeSlowly(data)
		if !jsontext.Value(data).IsValid() {
			wantErr = errors.New("not valid")
			allowed := jsontext.Value(bytes.Clone(data))
			if allowed.Format(jsontext.AllowDuplicateNames(true)) == nil {
				return
			}
		}
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("%s: %v, but the library says %v", data, err, wantErr)
		}
		if err != nil {
			return
		}
		if diff := exact(events, want); diff != "" {
			t.Fatalf("%s is read otherwise than by the library:\n%s", data, diff)
		}
		again, err := domain.EncodeEvents(events)
		if err != nil {
			t.Fatalf("%s was read, and cannot be written: %v", data, err)
		}
		if diff := exact(must(domain.DecodeEvents(again)), events); diff != "" {
			t.Fatalf("%s becomes %s:\n%s", data, again, diff)
		}
	})
}

func decodeSlowly(data []byte) ([]domain.Event, error) {
	envelopes, err := domain.DecodeEnvelopes(data)
	if err != nil || envelopes == nil {
		return nil, errors.Join(err, errors.New("no envelopes"))
	}
	events := make([]domain.Event, len(envelopes))
	for i := range envelopes {
		if events[i], err = envelopes[i].Event(); err != nil {
			return nil, err
		}
	}
	return events, nil
}
