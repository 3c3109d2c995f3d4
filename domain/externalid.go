package domain

// ExternalID is what another system calls the entity. It is unique among users
// and groups together, and compared byte by byte: what it means is not ours to
// know.
type ExternalID struct{ value }

// ParseExternalID accepts 1 to MaxExternalID characters as ParseText does.
func ParseExternalID(text string) (ExternalID, error) {
	if err := checkText(text, MaxExternalID); err != nil {
		return ExternalID{}, err
	}
	return ExternalID{value{text}}, nil
}

// Key is the form in which two external ids are compared: the text itself.
func (x ExternalID) Key() string { return x.text }
