package domain_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
)

func TestIDs(t *testing.T) {
	const text = "0196f3c1-5a00-7000-8000-00000000000a"
	for _, id := range []string{text, strings.ToUpper(text), "0196f3C1-5A00-7000-8000-00000000000a"} {
		got, err := domain.ParseID[domain.User](id)
		if err != nil || got.String() != text || got.IsZero() {
			t.Errorf("%s: %v, %v", id, got, err)
		}
	}
	for _, version := range []string{"c232ab00-9414-11ec-b3c8-9f6bdeced846", "f47ac10b-58cc-4372-a567-0e02b2c3d479", "ffffffff-ffff-ffff-ffff-ffffffffffff", "00000000-0000-0000-0000-000000000001"} {
		if _, err := domain.ParseID[domain.Group](version); err != nil {
			t.Errorf("%s: %v", version, err)
		}
	}
}

func TestTextsThatAreNoIDs(t *testing.T) {
	const text = "0196f3c1-5a00-7000-8000-00000000000a"
	for name, id := range map[string]string{
		"empty":          "",
		"nil":            "00000000-0000-0000-0000-000000000000",
		"no hyphens":     strings.ReplaceAll(text, "-", ""),
		"braces":         "{" + text + "}",
		"URN":            "urn:uuid:" + text,
		"cut":            text[:35],
		"longer":         text + "0",
		"a space before": " " + text[:35],
		"not a digit":    strings.Replace(text, "f", "g", 1),
		"wrong hyphens":  "0196f3c15-a00-7000-8000-00000000000a",
		"a number":       "23",
		"wide digits":    "0196f3c1-5a00-7000-8000-00000000０",
	} {
		got, err := domain.ParseID[domain.User](id)
		if !errors.Is(err, domain.Invalid) || !got.IsZero() {
			t.Errorf("%s: %v, %v; want domain.Invalid", name, got, err)
		}
		holdsNothingOf(t, name, err, id)
	}
}

func TestNewIDsFollowEachOther(t *testing.T) {
	last := domain.NewID[domain.User]()
	for range 1000 {
		next := domain.NewID[domain.User]()
		if next.Version() != 7 || next.Variant() != uuid.RFC4122 || bytes.Compare(next.UUID[:], last.UUID[:]) <= 0 {
			t.Fatalf("%v follows %v", next, last)
		}
		last = next
	}
}

func TestIDsInJSON(t *testing.T) {
	type ids struct {
		User  domain.UserID
		Owner domain.UserID `json:",omitzero"`
	}
	id := must(domain.ParseID[domain.User]("0196F3C1-5A00-7000-8000-00000000000A"))
	const want = `{"User":"0196f3c1-5a00-7000-8000-00000000000a"}`
	got, err := json.Marshal(ids{User: id})
	if err != nil || string(got) != want {
		t.Fatalf("written as %s (%v), want %s", got, err, want)
	}
	var back ids
	if err := json.Unmarshal(got, &back); err != nil || back.User != id || !back.Owner.IsZero() {
		t.Fatalf("read as %v (%v)", back, err)
	}
}
