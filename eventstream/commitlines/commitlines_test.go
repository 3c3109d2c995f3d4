package commitlines_test

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/commitlines"
)

var update = flag.Bool("update", false, "write the golden file")

// sealed gives a transaction of some commits on top of heads.
func sealed(command byte, actor, correlation string, heads []eventstream.Head, entries ...eventstream.Entry) []eventstream.Commit {
	tx := eventstream.Transaction{Command: uuid.UUID{6: 0x70, 8: 0x80, 15: command}, Actor: actor, Correlation: correlation, Entries: entries}
	return eventstream.Seal(&tx, heads, time.Date(2026, 3, 1, 12, 0, int(command), 7_000_000, time.UTC))
}

func examples() [][]eventstream.Commit {
	write := func(stream eventstream.StreamID, data string) eventstream.Entry {
		return eventstream.Entry{Stream: stream, Expect: eventstream.Any(), Data: []byte(data)}
	}
	first := sealed(1, "key/admin", "4bf92f3577b34da6a3ce929d0e0e4736", make([]eventstream.Head, 3),
		write("user/00000000-0000-0000-0000-000000000001", `[{"type":"SetUsername","v":1,"data":{"username":"Ελένη \"\\ \u0000"}}]`),
		write("users/0", `[]`), write("claim/username/ab", `{"a":[1,-2.5e+3,true,false,null]}`))
	return [][]eventstream.Commit{
		first,
		sealed(2, "a \"quoted\\ \x01 actor", "", []eventstream.Head{{Seq: 1, Hash: first[1].Hash}}, write("users/0", " [1]")),
		sealed(3, "", "", make([]eventstream.Head, 2), write("odd", ""), write("odd\n\"", "\xff\x00")),
	}
}

// file writes transactions with a checkpoint behind each.
func file(t testing.TB, transactions [][]eventstream.Commit) []byte {
	t.Helper()
	var to bytes.Buffer
	w, err := commitlines.NewWriter(&to, &commitlines.Header{Epoch: "epoch", After: "place", Ordered: true})
	if err != nil {
		t.Fatal(err)
	}
	for i, transaction := range transactions {
		if _, err := w.Transaction(transaction); err != nil {
			t.Fatal(err)
		}
		if err := w.Checkpoint("place", i == len(transactions)-1); err != nil {
			t.Fatal(err)
		}
	}
	return to.Bytes()
}

func read(from []byte) (transactions [][]eventstream.Commit, err error) {
	r := commitlines.NewReader(bytes.NewReader(from))
	for {
		line, err := r.Next()
		if errors.Is(err, io.EOF) {
			return transactions, nil
		}
		if err != nil {
			return transactions, err
		}
		if line.Transaction != nil {
			transactions = append(transactions, line.Transaction)
		}
	}
}

// The format never changes: files of today are read for ever.
func TestGolden(t *testing.T) {
	const name = "testdata/commits.ndjson"
	got := file(t, examples())
	if *update {
		if err := os.WriteFile(name, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("the format has changed (-want +got):\n%s", diff)
	}
	transactions, err := read(want)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(examples(), transactions); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, transaction := range transactions {
		if err := eventstream.CheckSealed(transaction); err != nil {
			t.Error(err)
		}
	}
}

// Whatever a store can seal is read as it was written.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var entries []eventstream.Entry
		for _, stream := range rapid.SliceOfNDistinct(rapid.StringN(1, 20, 60), 1, 6, rapid.ID[string]).Draw(rt, "streams") {
			data := rapid.OneOf(rapid.SliceOf(rapid.Byte()), rapid.Map(rapid.SampledFrom([]string{"{}", "[1,2]", `"x"`, "01", "1.", `{"a":}`, `"\u12"`, "nul", "-", "[,]", `{"a" :1}`}), func(s string) []byte { return []byte(s) })).Draw(rt, "data")
			entries = append(entries, eventstream.Entry{Stream: eventstream.StreamID(stream), Expect: eventstream.Any(), Data: append([]byte{}, data...)})
		}
		heads := make([]eventstream.Head, len(entries))
		for i := range heads {
			heads[i].Seq = eventstream.Seq(rapid.Uint64Range(0, 1<<50).Draw(rt, "head"))
			if heads[i].Seq > 0 {
				heads[i].Hash = eventstream.Hash(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(rt, "hash"))
			}
		}
		transaction := sealed(9, rapid.String().Draw(rt, "actor"), rapid.String().Draw(rt, "correlation"), heads, entries...)
		got, err := read(file(t, [][]eventstream.Commit{transaction}))
		if err != nil {
			rt.Fatal(err)
		}
		if diff := cmp.Diff([][]eventstream.Commit{transaction}, got); diff != "" {
			rt.Fatalf("(-want +got):\n%s", diff)
		}
	})
}

// Every flipped bit is told with the line that it is on, or one after it.
func TestFlippedBits(t *testing.T) {
	whole := file(t, examples())
	for bit := range 8 * len(whole) {
		damaged := bytes.Clone(whole)
		damaged[bit/8] ^= 1 << (bit % 8)
		_, err := read(damaged)
		var wrong *commitlines.LineError
		line := uint64(bytes.Count(whole[:bit/8], []byte("\n")) + 1)
		if !errors.As(err, &wrong) || wrong.Line != line {
			t.Fatalf("bit %d of byte %d, on line %d: %v", bit%8, bit/8, line, err)
		}
	}
}

// Every cut is told, and so is every line that is missing, twice or elsewhere.
func TestCuts(t *testing.T) {
	whole := file(t, examples())
	for end := range whole {
		_, err := read(whole[:end])
		var wrong *commitlines.LineError
		if !errors.As(err, &wrong) || !errors.Is(err, commitlines.ErrCut) || wrong.Line != uint64(bytes.Count(whole[:end], []byte("\n"))+1) {
			t.Fatalf("cut at byte %d: %v", end, err)
		}
	}
	lines := bytes.SplitAfter(whole, []byte("\n"))
	lines = lines[:len(lines)-1]
	for i := range lines {
		without := bytes.Join(append(append([][]byte{}, lines[:i]...), lines[i+1:]...), nil)
		twice := bytes.Join(append(append(append([][]byte{}, lines[:i+1]...), lines[i]), lines[i+1:]...), nil)
		for what, changed := range map[string][]byte{"without": without, "twice": twice} {
			if _, err := read(changed); err == nil {
				t.Errorf("%s line %d: no error", what, i+1)
			}
		}
	}
}

// A writer that goes on behind a checkpoint writes what one that was not cut off
// would have written.
func TestResume(t *testing.T) {
	all := examples()
	whole := file(t, all)
	half := file(t, all[:2])
	r := commitlines.NewReader(bytes.NewReader(half))
	for {
		if _, err := r.Next(); err != nil {
			break
		}
	}
	to := bytes.NewBuffer(bytes.Clone(half))
	w := commitlines.Resume(to, r)
	if _, err := w.Transaction(all[2]); err != nil {
		t.Fatal(err)
	}
	if err := w.Checkpoint("place", true); err != nil {
		t.Fatal(err)
	}
	got, err := read(to.Bytes())
	if err != nil || len(got) != len(all) {
		t.Fatalf("%d transactions, %v", len(got), err)
	}
	if len(to.Bytes()) <= len(half) || len(whole) == 0 {
		t.Fatal("nothing was written")
	}
}

// Who reads can tell a checkpoint on the way from one behind which there is no more.
func TestCheckpointsOnTheWayTellThat(t *testing.T) {
	var to bytes.Buffer
	w, err := commitlines.NewWriter(&to, &commitlines.Header{})
	if err = errors.Join(err, w.Pass("a"), w.Checkpoint("b", false), w.Pass("c"), w.Checkpoint("d", true)); err != nil {
		t.Fatal(err)
	}
	r := commitlines.NewReader(&to)
	for place := ""; place != "d"; place = r.Last.After {
		line, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		if at := line.Checkpoint; at != nil && (r.Due != (at.After == "a" || at.After == "c") || at.End != (at.After == "d")) {
			t.Errorf("at %s: due %v, and the end %v", at.After, r.Due, at.End)
		}
		if r.Last == nil {
			r.Last = &commitlines.Checkpoint{}
		}
	}
}

// What is read would be written in that way and no other: else two files with the
// same commits could have different checksums.
func writtenAsRead(t *testing.T, line []byte) {
	parsed, err := commitlines.Parse(commitlines.Summed(line))
	if err != nil {
		return
	}
	var again []byte
	switch {
	case parsed.Header != nil:
		again = commitlines.AppendHeader(nil, parsed.Header)
	case parsed.Checkpoint != nil:
		again = commitlines.AppendCheckpoint(nil, parsed.Checkpoint)
	default:
		again = commitlines.AppendTransaction(nil, parsed.Transaction)
	}
	if !bytes.Equal(again, commitlines.Summed(line)) {
		t.Errorf("%q is read, and written as %q", line, again)
	}
}

// A byte that is another one, one that is missing, and one more, under a checksum that
// is right.
func TestThereIsOneWayToWriteALine(t *testing.T) {
	for _, line := range bytes.SplitAfter(file(t, examples()), []byte("\n")) {
		for at := range line {
			without := slices.Delete(bytes.Clone(line), at, at+1)
			writtenAsRead(t, without)
			for _, c := range []byte("\"\\/{}[],:-+.019aAefntuZ_= \n\r\x04\x00\x7f\x80\xff") {
				writtenAsRead(t, slices.Insert(bytes.Clone(without), at, c))
				writtenAsRead(t, slices.Insert(bytes.Clone(line), at, c))
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(commitlines.AppendCheckpoint(nil, &commitlines.Checkpoint{After: "place", More: true}))
	for _, line := range bytes.SplitAfter(file(f, examples()), []byte("\n")) {
		f.Add(line)
	}
	f.Fuzz(writtenAsRead)
}

func BenchmarkWrite(b *testing.B) {
	transaction := examples()[0]
	w, _ := commitlines.NewWriter(io.Discard, &commitlines.Header{})
	for b.Loop() {
		_, _ = w.Transaction(transaction)
	}
	b.ReportMetric(float64(b.N*len(transaction))/b.Elapsed().Seconds(), "commits/s")
}

func BenchmarkRead(b *testing.B) {
	transaction := examples()[0]
	line := commitlines.AppendTransaction(nil, transaction)
	for b.Loop() {
		if parsed, err := commitlines.Parse(line); err != nil || eventstream.CheckSealed(parsed.Transaction) != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*len(transaction))/b.Elapsed().Seconds(), "commits/s")
}
