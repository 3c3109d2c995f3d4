package domain

import (
	"fmt"
	"strings"
	"unicode"
)

// GroupName is the name of a group. It is unique, compared by Key and shown as
// typed.
type GroupName struct{ value }

// ParseGroupName accepts 1 to MaxGroupName characters as ParseText does, all of
// them known to Unicode: how others will be compared is not settled.
func ParseGroupName(text string) (GroupName, error) {
	if err := checkText(text, MaxGroupName); err != nil {
		return GroupName{}, err
	}
	if strings.ContainsFunc(text, func(r rune) bool { return unicode.Is(unicode.Cn, r) }) {
		return GroupName{}, fmt.Errorf("%w: must not hold characters that are not assigned", Invalid)
	}
	if groupNameKey(text) == "" {
		return GroupName{}, fmt.Errorf("%w: must hold something that shows", Invalid)
	}
	return GroupName{value{text}}, nil
}

// Key is the form in which two group names are compared: NFKC, case folded,
// without characters that do not show, runs of spaces as one and none at the
// ends.
func (n GroupName) Key() string { return groupNameKey(n.text) }

func groupNameKey(text string) string {
	return strings.Join(strings.Fields(caseless(text)), " ")
}
