package commands

import (
	"maps"
	"slices"
	"strings"

	"github.com/seed5b6a70b4/identity/domain"
)

// changeAttributes gives an entity's attributes after an update, leaving those
// it had as they are. A zero value takes an attribute away.
func changeAttributes(had domain.Attributes, clear bool, changes domain.Attributes) domain.Attributes {
	after := domain.Attributes{}
	if !clear {
		maps.Copy(after, had)
	}
	for name, value := range changes {
		if value.IsZero() {
			delete(after, name)
		} else {
			after[name] = value
		}
	}
	return after
}

// attributeEvents are the facts that turn some attributes into others, by name.
func attributeEvents(before, after domain.Attributes) []domain.Event {
	events := make([]domain.Event, 0, len(before)+len(after))
	for name := range before {
		if _, stays := after[name]; !stays {
			events = append(events, domain.SetAttribute{Name: name})
		}
	}
	for name, value := range after {
		if before[name] != value {
			events = append(events, domain.SetAttribute{Name: name, Value: value})
		}
	}
	slices.SortFunc(events, func(a, b domain.Event) int {
		return strings.Compare(a.(domain.SetAttribute).Name, b.(domain.SetAttribute).Name)
	})
	return events
}

// checkAttributes refuses attributes that are over their limits together.
func checkAttributes(attributes domain.Attributes) error {
	if err := attributes.Check(); err != nil {
		return domain.RefuseField("/attributes", strings.TrimPrefix(err.Error(), domain.Invalid.Error()+": "))
	}
	return nil
}

// checkAttributeChange refuses attributes that get over their limits. Those that
// an update leaves alone are never in its way.
func checkAttributeChange(before, after domain.Attributes) error {
	if maps.Equal(before, after) {
		return nil
	}
	return checkAttributes(after)
}

// required refuses the absence of a value that every entity has.
func required(value interface{ IsZero() bool }, pointer string) error {
	if value.IsZero() {
		return domain.RefuseField(pointer, "is required")
	}
	return nil
}
