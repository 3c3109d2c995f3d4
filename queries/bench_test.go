package queries_test

import (
	"testing"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/queries"
)

// BenchmarkUser reads one user by id: as it is, with the token of its own write,
// as fresh as the store is, and by its username.
func BenchmarkUser(b *testing.B) {
	d := newDirectory(b)
	ada := d.user("ada")
	ctx := b.Context()
	for _, bench := range []struct {
		name  string
		fresh queries.Freshness
	}{
		{"plain", queries.Freshness{}},
		{"with its tag", queries.Freshness{AtLeast: ada.Entity}},
		{"with its write", queries.Freshness{AtLeast: ada.Wrote}},
		{"with a list's position", queries.Freshness{AtLeast: eventstream.Token{at(eventstream.LogStream, 2)}}},
		{"latest", queries.Freshness{Latest: true}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := d.reader.User(ctx, ada.User.ID, bench.fresh); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("by username", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := d.reader.UserByUsername(ctx, "ada", queries.Freshness{}); err != nil {
				b.Fatal(err)
			}
		}
	})
}
