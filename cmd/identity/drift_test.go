package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// Drift is told line by line and makes verify fail, on a directory at rest and
// through a running service alike.
func TestVerifyTellsOfDrift(t *testing.T) {
	dir := t.TempDir()
	data := filepath.Join(dir, "identity-data")
	if code, _, errs := runHere(t, "seed", "--users", "50", "--groups", "5", "--data", data); code != exitDone {
		t.Fatal(errs)
	}
	claim := plantClaim(t, data)
	want := string(claim) + ": is owned by user/"
	check := func(how string) {
		t.Helper()
		code, out, errs := runHere(t, "verify", "--data", data)
		if code != exitFailed || strings.Count(out, "\n") != 3 || !strings.HasPrefix(out, want) || !strings.Contains(errs, "not as it must be: 1 findings") {
			t.Errorf("%s verify ends with %d:\n%s%s", how, code, out, errs)
		}
	}
	check("at rest")
	mustStart(t, dir)
	check("through a service")
}

// plantClaim writes a claim whose owner never was.
func plantClaim(t *testing.T, data string) eventstream.StreamID {
	t.Helper()
	b, err := openEmbedded(t.Context(), data, settings{noSearch: true})
	if err != nil {
		t.Fatal(err)
	}
	return plantClaimIn(t, b)
}

// plantClaimIn is plantClaim in an engine, which it closes.
func plantClaimIn(t *testing.T, e engine) eventstream.StreamID {
	t.Helper()
	b := e.base()
	claim := b.directory.ClaimOf(domain.UsernameClaim, "nobody")
	said, err := domain.EncodeEvents([]domain.Event{domain.SetOwner{Owner: uuid.Must(uuid.NewV7()), Kind: domain.UserMember, OwnerSeq: 1}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.streams.Append(t.Context(), eventstream.Transaction{
		Command: uuid.Must(uuid.NewV7()), Actor: "test", Correlation: "test",
		Entries: []eventstream.Entry{{Stream: claim, Expect: eventstream.Empty(), Data: said}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.close(); err != nil {
		t.Fatal(err)
	}
	return claim
}
