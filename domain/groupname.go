package domain

import (
	"strings"

	"golang.org/x/text/unicode/norm"
)

// GroupName is the name of a group. It is unique, compared by Key and shown as
// typed.
type GroupName struct{ value }

// ParseGroupName accepts 1 to MaxGroupName characters as ParseText does.
func ParseGroupName(text string) (GroupName, error) {
	if err := checkText(text, MaxGroupName); err != nil {
		return GroupName{}, err
	}
	return GroupName{value{text}}, nil
}

// Key is the form in which two group names are compared: NFKC, case folded, runs
// of spaces as one.
func (n GroupName) Key() string {
	return strings.Join(strings.Fields(foldCase(norm.NFKC.String(n.text))), " ")
}
