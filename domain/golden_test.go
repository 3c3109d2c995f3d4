package domain_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
)

// Golden files are the file format: they are written once, when a type or a
// version comes in, and never changed.
var writeGolden = flag.Bool("write-golden", false, "write golden files that are missing")

var (
	user1  = uuid.MustParse("0196f3c1-5a00-7000-8000-000000000001")
	group1 = must(domain.ParseID[domain.Group]("0196f3c1-5a00-7000-8000-000000000002"))
	group2 = must(domain.ParseID[domain.Group]("0196f3c1-5a00-7000-8000-000000000003"))
)

// golden gives, for each golden file, the events that it must be read as.
var golden = map[string][]domain.Event{
	"SetOrigin.v1": {domain.SetOrigin{Digest: "b94d27b9934d3e08"}},
	"SetUsername.v1": {
		domain.SetUsername{Username: must(domain.ParseUsername("Eleni"))},
		domain.SetUsername{Username: must(domain.ParseUsername("Ελένη\"\\<&>"))},
	},
	"SetEmail.v1":      {domain.SetEmail{Email: must(domain.ParseEmail("Eleni@Example.com"))}, domain.SetEmail{}},
	"SetName.v1":       {domain.SetName{Name: text(`Ελένη "Λένα" Παπαδοπούλου`)}, domain.SetName{}},
	"SetGivenName.v1":  {domain.SetGivenName{GivenName: text("美咲")}, domain.SetGivenName{}},
	"SetFamilyName.v1": {domain.SetFamilyName{FamilyName: text("O’Brien 😀")}, domain.SetFamilyName{}},
	"SetActive.v1":     {domain.SetActive{Active: true}, domain.SetActive{}},
	"SetExternalID.v1": {domain.SetExternalID{ExternalID: must(domain.ParseExternalID("hr/4711"))}, domain.SetExternalID{}},
	"SetAttribute.v1": {
		domain.SetAttribute{Name: "floor", Value: attribute("-4.50")},
		domain.SetAttribute{Name: "remote", Value: attribute("false")},
		domain.SetAttribute{Name: `la"ngs`, Value: attribute(`["el", "\u00e9\n", 3, true]`)},
		domain.SetAttribute{Name: "gone"},
	},
	"SetGroupName.v1":   {domain.SetGroupName{Name: must(domain.ParseGroupName("Research & Development"))}},
	"SetDescription.v1": {domain.SetDescription{Description: text("those who find out")}, domain.SetDescription{}},
	"SetRemoved.v1":     {domain.SetRemoved{Removed: true}},
	"SetMember.v1": {
		domain.SetMember{Present: true, Kind: domain.UserMember},
		domain.SetMember{Kind: domain.GroupMember},
	},
	"SetNesting.v1": {
		domain.SetNesting{Group: group1, Member: group2, Present: true},
		domain.SetNesting{Group: group1, Member: group2},
	},
	"SetNode.v1": {domain.SetNode{Group: group1, Removed: true}},
	"SetOwner.v1": {
		domain.SetOwner{Owner: user1, Kind: domain.UserMember, OwnerSeq: 23},
		domain.SetOwner{OwnerSeq: 24, Former: user1},
	},
	"SetKey.v1": {
		domain.SetKey{Hash: "9f86d081884c7d65", Scopes: []domain.Scope{domain.ReadScope, domain.WriteScope}, Label: text("nightly import"), Owner: domain.UserID{UUID: user1}, Active: true},
		domain.SetKey{Hash: "9f86d081884c7d65"},
	},
	"SetOutcome.v1": {
		domain.SetOutcome{Digest: "b94d27b9934d3e08", Stream: "user/" + user1.String(), Seq: 1},
		domain.SetOutcome{Digest: "b94d27b9934d3e08", Stream: "key/" + user1.String(), Seq: 1, Sealed: "c2VhbGVk"},
		domain.SetOutcome{Digest: "b94d27b9934d3e08"},
	},
	"SetEpoch.v1":      {domain.SetEpoch{Epoch: "0123456789abcdef"}},
	"SetShards.v1":     {domain.SetShards{Users: 64, Groups: 1}},
	"SetClaimKeyID.v1": {domain.SetClaimKeyID{ID: "0123456789abcdef"}},
	"SetClosed.v1":     {domain.SetClosed{Closed: true}},
	"Listed.v1": {
		domain.Listed{Of: user1, Seq: 23, Command: "0196f3c1-5a00-7000-8000-000000000009", Actor: "key/1", Fact: domain.SetActive{Active: true}},
		domain.Listed{Of: user1, Seq: 24, Fact: domain.SetEmail{}},
	},
}

func goldenPath(name string) string { return filepath.Join("testdata", "events", name+".json") }

func TestEveryVersionOfEveryEventHasAGoldenFile(t *testing.T) {
	for name, current := range domain.Versions() {
		for version := 1; version <= current; version++ {
			file := fmt.Sprintf("%s.v%d", name, version)
			if golden[file] == nil {
				t.Errorf("no golden events for %s", file)
			}
		}
	}
}

func TestGoldenFilesAreReadAsWhatTheySay(t *testing.T) {
	for name, want := range golden {
		data, err := os.ReadFile(goldenPath(name))
		if os.IsNotExist(err) && *writeGolden {
			data = append(must(domain.EncodeEvents(want)), '\n')
			err = os.WriteFile(goldenPath(name), data, 0o644)
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got, err := domain.DecodeEvents(data)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(want, got, cmp.Exporter(func(reflect.Type) bool { return true })); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestEventsAreWrittenAsInTheirNewestGoldenFile(t *testing.T) {
	newest := domain.Versions()
	newest["Listed"] = 1
	for file := range golden {
		name, version, _ := strings.Cut(file, ".")
		if version, _, _ = strings.Cut(version, "."); version != fmt.Sprintf("v%d", newest[name]) {
			continue
		}
		data, err := os.ReadFile(goldenPath(file))
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		if got := must(domain.EncodeEvents(golden[file])); !bytes.Equal(got, bytes.TrimSpace(data)) {
			t.Errorf("%s is\n%s, written now is\n%s", file, data, got)
		}
	}
}

func TestNoGoldenFileIsLeftOver(t *testing.T) {
	files, err := filepath.Glob(goldenPath("*"))
	if err != nil || len(files) != len(golden) {
		t.Fatalf("%d golden files, and %d are read (%v)", len(files), len(golden), err)
	}
}
