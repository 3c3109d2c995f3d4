package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// What is parked is listed and tried again, at rest and through a service.
func TestParkedIsListedAndRetried(t *testing.T) {
	dir := t.TempDir()
	data := filepath.Join(dir, "identity-data")
	b, err := openEmbedded(t.Context(), data, settings{noSearch: true})
	if err != nil {
		t.Fatal(err)
	}
	stream := eventstream.UserStream(uuid.Must(uuid.NewV7()))
	_, err = b.streams.Append(t.Context(), eventstream.Transaction{
		Command: uuid.Must(uuid.NewV7()), Actor: "test", Correlation: "test",
		Entries: []eventstream.Entry{{Stream: stream, Expect: eventstream.Empty(), Data: []byte(`[{"type":"SetNonsense","v":1,"data":{}}]`)}},
	})
	if err != nil || b.close() != nil {
		t.Fatal(err)
	}
	check := func(how string) {
		t.Helper()
		if code, out, errs := runHere(t, "parked", "--data", data); code != exitDone || !strings.HasPrefix(out, "memview\t"+string(stream)+"\tat 1\tunknown_event\tsince ") {
			t.Errorf("%s: listed with %d: %s%s", how, code, out, errs)
		}
		if code, out, errs := runHere(t, "parked", "retry", "--data", data); code != exitFailed || !strings.Contains(out, "still parked") || !strings.Contains(errs, "1 of 1") {
			t.Errorf("%s: retried with %d: %s%s", how, code, out, errs)
		}
		if code, out, errs := runHere(t, "parked", "retry", "--data", data, "user/another"); code != exitFailed || out != "" || !strings.Contains(errs, "nothing of that name is parked: user/another") {
			t.Errorf("%s: another retried with %d: %s%s", how, code, out, errs)
		}
	}
	check("at rest")
	mustStart(t, dir)
	check("through a service")
	if code, _, errs := runHere(t, "parked", "list", "--data", filepath.Join(dir, "nowhere")); code != exitFailed || !strings.Contains(errs, "there is no directory") {
		t.Errorf("of nothing: %d %s", code, errs)
	}
}
