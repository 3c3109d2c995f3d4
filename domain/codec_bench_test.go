package domain_test

import (
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/seed5b6a70b4/identity/domain"
)

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func text(s string) domain.Text { return must(domain.ParseText(s, domain.MaxText)) }

func attribute(json string) domain.Attribute {
	return must(domain.ParseAttribute(jsontext.Value(json)))
}

// newUser is what a typical creation of a user says.
func newUser() []domain.Event {
	return []domain.Event{
		domain.SetUsername{Username: must(domain.ParseUsername("eleni.papadopoulou"))},
		domain.SetEmail{Email: must(domain.ParseEmail("eleni.papadopoulou@example.com"))},
		domain.SetName{Name: text("Ελένη Παπαδοπούλου")},
		domain.SetGivenName{GivenName: text("Ελένη")},
		domain.SetFamilyName{FamilyName: text("Παπαδοπούλου")},
		domain.SetActive{Active: true},
		domain.SetAttribute{Name: "department", Value: attribute(`"Research and Development"`)},
		domain.SetAttribute{Name: "floor", Value: attribute(`4`)},
		domain.SetAttribute{Name: "languages", Value: attribute(`["el","en","de"]`)},
	}
}

func BenchmarkEncodeEvents(b *testing.B) {
	events := newUser()
	b.ReportAllocs()
	for b.Loop() {
		must(domain.EncodeEvents(events))
	}
}

func BenchmarkDecodeEvents(b *testing.B) {
	data := must(domain.EncodeEvents(newUser()))
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		must(domain.DecodeEvents(data))
	}
}
