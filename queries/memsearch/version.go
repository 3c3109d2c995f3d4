package memsearch

import (
	"bytes"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/internal/words"
	"github.com/seed5b6a70b4/identity/queries"
)

// mark begins the terms of hosts, so that they are a run of their own, and ends
// those of logins, so that they come right after the word that is written alike.
// Words do not hold it.
const mark = '\x00'

func loginTerm(login string) string { return login + string(mark) }
func hostTerm(host string) string   { return string(mark) + host }

// version is a document as it was put, waiting to become part of a segment.
type version struct {
	id       uuid.UUID
	revision uint64
	removed  bool
	created  int64
	terms    []string // the name's words in order, then others
	name     int      // how many of the terms are the name
	nameKey  string
	username string // a login, or empty
	labels   []label
	dead     atomic.Uint64 // 0 while alive
}

func newVersion(d *queries.Document) *version {
	v := &version{id: d.ID, revision: d.Revision, removed: d.Removed}
	if d.Removed {
		return v
	}
	found := words.Of(d.Name, d.Username, d.Email, d.GivenName, d.FamilyName)
	v.created = d.CreatedAt.UnixMilli()
	v.terms, v.name, v.nameKey, v.username = found.Name, len(found.Name), found.NameKey(), found.Username
	for _, word := range found.Words {
		if !slices.Contains(found.Name, word) {
			v.terms = append(v.terms, word)
		}
	}
	for _, login := range found.Logins {
		v.terms = append(v.terms, loginTerm(login))
	}
	for _, host := range found.Hosts {
		v.terms = append(v.terms, hostTerm(host))
	}
	v.labels = labelsOf(d)
	return v
}

func (v *version) visible(at uint64) bool {
	died := v.dead.Load()
	return died == 0 || died > at
}

func (v *version) hasAll(labels []label) bool {
	for _, l := range labels {
		if _, found := slices.BinarySearchFunc(v.labels, l, compareLabels); !found {
			return false
		}
	}
	return true
}

// compareVersions orders versions as the documents of a segment are.
func compareVersions(a, b *version) int {
	switch {
	case a.removed && !b.removed:
		return -1
	case b.removed && !a.removed:
		return 1
	}
	if order := strings.Compare(a.nameKey, b.nameKey); order != 0 {
		return order
	}
	return bytes.Compare(a.id[:], b.id[:])
}
