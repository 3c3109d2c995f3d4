package logstore_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/logstore"
)

// sealedUsers makes transactions as creations of users are: four commits each, one
// of them in a stream that all share.
func sealedUsers(n int) [][]eventstream.Commit {
	transactions := make([][]eventstream.Commit, n)
	var listed eventstream.Head
	data := []byte(`[{"type":"SetUsername","v":1,"data":{"username":"somebody.of.some.name"}},{"type":"SetEmail","v":1,"data":{"email":"somebody@example.com"}}]`)
	for i := range transactions {
		entry := func(stream eventstream.StreamID) eventstream.Entry {
			return eventstream.Entry{Stream: stream, Expect: eventstream.Any(), Data: data}
		}
		tx := eventstream.Transaction{Command: uuid.New(), Actor: "admin", Correlation: "4bf92f3577b34da6a3ce929d0e0e4736", Entries: []eventstream.Entry{
			entry(eventstream.UserStream(uuid.New())), entry("users/0"), entry(eventstream.ClaimStream("username", fmt.Sprint(i))), entry(eventstream.ClaimStream("email", fmt.Sprint(i))),
		}}
		transactions[i] = eventstream.Seal(&tx, []eventstream.Head{{}, listed, {}, {}}, time.Now())
		listed = eventstream.Head{Seq: eventstream.Seq(i + 1), Hash: transactions[i][1].Hash}
	}
	return transactions
}

// How many commits a second a log takes as another has sealed them, and how many it
// finds there.
func BenchmarkImport(b *testing.B) {
	transactions := sealedUsers(50_000)
	for b.Loop() {
		b.StopTimer()
		store, err := logstore.Open(b.TempDir(), nil)
		if err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		for after := 0; after < len(transactions); after += 5000 {
			if _, err := store.Import(b.Context(), transactions[after:after+5000]); err != nil {
				b.Fatal(err)
			}
		}
		b.StopTimer()
		if err := store.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
	b.ReportMetric(float64(4*len(transactions)*b.N)/b.Elapsed().Seconds(), "commits/s")
}
