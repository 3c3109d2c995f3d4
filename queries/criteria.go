package queries

import (
	"fmt"
	"maps"
	"unicode/utf8"

	"github.com/go-json-experiment/json"

	"github.com/seed5b6a70b4/identity/domain"
)

// Limits of what a search may ask for, so that its cursors stay short.
const (
	MaxText       = 256     // characters typed
	MaxAttributes = 8       // attributes compared
	MaxCriteria   = 1 << 10 // bytes: what was typed, and the attributes' names and values
)

func (c *Criteria) check() error {
	size := len(c.Text)
	valid := utf8.ValidString(c.Text)
	for name, value := range c.Attributes {
		size += len(name) + len(value)
		valid = valid && utf8.ValidString(name) && utf8.ValidString(value)
	}
	switch {
	case !valid:
		return domain.RefuseField("q", "what is searched for must be UTF-8")
	case utf8.RuneCountInString(c.Text) > MaxText:
		return domain.RefuseField("q", fmt.Sprintf("must have at most %d characters", MaxText))
	case len(c.Attributes) > MaxAttributes:
		return domain.RefuseField("attr", fmt.Sprintf("at most %d attributes", MaxAttributes))
	case size > MaxCriteria:
		return domain.RefuseField("attr", fmt.Sprintf("at most %d bytes to search for in all", MaxCriteria))
	}
	return nil
}

// ordered gives the criteria with their default order: relevance for what was
// typed, else by id.
func (c Criteria) ordered() Criteria {
	switch {
	case c.Sort != "":
	case c.Text != "":
		c.Sort = ByRelevance
	default:
		c.Sort = ByID
	}
	return c
}

// listsAll tells whether the criteria ask for everything by id, which a view can
// answer.
func (c *Criteria) listsAll() bool {
	return c.Text == "" && c.Active == nil && c.Group.IsZero() && len(c.Attributes) == 0 && c.Sort == ByID && !c.Descending
}

// agrees tells whether everything that is given is what the cursor's criteria
// say; what is not given agrees with anything.
func (c *Criteria) agrees(cursor *Criteria) bool {
	return (c.Text == "" || c.Text == cursor.Text) &&
		(c.Active == nil || cursor.Active != nil && *c.Active == *cursor.Active) &&
		(c.Group.IsZero() || c.Group == cursor.Group) &&
		(len(c.Attributes) == 0 || maps.Equal(c.Attributes, cursor.Attributes)) &&
		(c.Sort == "" || c.Sort == cursor.Sort && c.Descending == cursor.Descending)
}

// place is what a cursor of a search or of a list of all holds.
type place struct {
	Criteria Criteria
	// From is where the page begins: an id, or what the index made of it.
	From []byte
}

// storedPlace is a place within a cursor.
type storedPlace struct {
	Text       string            `json:"q,omitzero"`
	Active     *bool             `json:"a,omitzero"`
	Group      domain.GroupID    `json:"g,omitzero"`
	Attributes map[string]string `json:"t,omitempty"`
	Sort       Sort              `json:"s"`
	Descending bool              `json:"d,omitzero"`
	From       []byte            `json:"f"`
}

func (s *sealer) sealPlace(at place) (string, error) {
	c := &at.Criteria
	plain, err := json.Marshal(storedPlace{c.Text, c.Active, c.Group, c.Attributes, c.Sort, c.Descending, at.From}, json.Deterministic(true))
	if err != nil {
		return "", fmt.Errorf("make a cursor: %w", err)
	}
	return s.seal(placeScope(c), plain), nil
}

func placeScope(c *Criteria) string { return "find " + string(c.Kind) }

// openPlace reads a cursor beside which the criteria were given; if they differ
// from the cursor's own, they are domain.Invalid.
func (s *sealer) openPlace(given Criteria, cursor string) (place, error) {
	plain, err := s.open(placeScope(&given), cursor)
	if err != nil {
		return place{}, err
	}
	var stored storedPlace
	if err := json.Unmarshal(plain, &stored); err != nil {
		return place{}, badCursor()
	}
	at := place{From: stored.From, Criteria: Criteria{
		Kind: given.Kind, Text: stored.Text, Active: stored.Active, Group: stored.Group,
		Attributes: stored.Attributes, Sort: stored.Sort, Descending: stored.Descending,
	}}
	if !given.agrees(&at.Criteria) {
		return place{}, domain.RefuseField("cursor", "goes with other filters than those given; give it alone")
	}
	return at, nil
}
