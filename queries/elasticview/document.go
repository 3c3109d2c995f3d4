package elasticview

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/internal/words"
	"github.com/seed5b6a70b4/identity/queries"
)

// stored is a document as Elasticsearch has it. One that was removed has nothing
// but that, and as it has no kind, no search finds it.
type stored struct {
	Removed bool              `json:"removed,omitzero"`
	Kind    domain.MemberKind `json:"kind,omitzero"`

	// Words are searched for, those that are usernames and addresses as one too.
	// Logins are these alone, each with an @ behind it: they are found whole.
	Words  []string `json:"words,omitempty"`
	Logins []string `json:"logins,omitempty"`
	Hosts  []string `json:"hosts,omitempty"`

	Active     bool             `json:"active"`
	Groups     []domain.GroupID `json:"groups,omitempty"`
	Attributes []string         `json:"attributes,omitempty"`

	// What results are sorted by.
	ID       uuid.UUID `json:"id,omitzero"`
	Name     string    `json:"name"`
	Username string    `json:"username"`
	Created  int64     `json:"created"`

	// Digest is a hash of all of the above: what generations are compared by, as the
	// source is not kept.
	Digest string `json:"digest,omitzero"`
}

// loginEnd stands behind a login, as a letter that must be matched too.
const loginEnd = "@"

// tombstone is what is left of what was removed.
type tombstone struct {
	Removed bool `json:"removed"`
}

// newStored makes what is put, but for its digest.
func newStored(d *queries.Document) *stored {
	if d.Removed {
		return &stored{Removed: true}
	}
	found := words.Of(d.Name, d.Username, d.Email, d.GivenName, d.FamilyName)
	s := &stored{
		Kind: d.Kind, Words: append(found.Words, found.Logins...), Hosts: found.Hosts,
		Active: d.Active, Groups: d.Groups,
		ID: d.ID, Name: found.NameKey(), Username: found.Username, Created: d.CreatedAt.UnixMilli(),
	}
	for _, login := range found.Logins {
		s.Logins = append(s.Logins, login+loginEnd)
	}
	for name, attribute := range d.Attributes {
		for _, value := range attribute.Values() {
			s.Attributes = append(s.Attributes, attributeTerm(name, value))
		}
	}
	slices.Sort(s.Attributes)
	return s
}

// written is a document as JSON, without the fields that a generation lacks.
func written(d *queries.Document, lacks map[string]bool) ([]byte, error) {
	if d.Removed {
		return json.Marshal(tombstone{true})
	}
	s := newStored(d)
	digest, err := s.digest()
	if err != nil {
		return nil, err
	}
	s.Digest = digest
	raw, err := json.Marshal(s)
	if err != nil || len(lacks) == 0 {
		return raw, err
	}
	var fields map[string]jsontext.Value
	if err := json.Unmarshal(raw, &fields); err != nil {
		return nil, err
	}
	for field := range lacks {
		delete(fields, field)
	}
	return json.Marshal(fields)
}

func (s *stored) digest() (string, error) {
	raw, err := json.Marshal(s)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(raw)
	return base64.RawURLEncoding.EncodeToString(sum[:16]), nil
}

// attributeTerm is what an attribute with a value is found by: a digest, because
// values may be long, and names are anybody's.
func attributeTerm(name, value string) string {
	text := binary.AppendUvarint(nil, uint64(len(name)))
	sum := sha256.Sum256(append(append(text, name...), value...))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}
