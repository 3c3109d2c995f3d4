package domain

// The file format: the members of each event's data, in the order in which they
// are written. It is only added to: a member may come in, with its zero value
// standing for its absence; what changes otherwise is a new version.

func (e *SetOrigin) members(m *members)      { m.text("digest", &e.Digest) }
func (e *SetUsername) members(m *members)    { m.textOrNull("username", &e.Username.text) }
func (e *SetEmail) members(m *members)       { m.textOrNull("email", &e.Email.text) }
func (e *SetName) members(m *members)        { m.textOrNull("name", &e.Name.text) }
func (e *SetGivenName) members(m *members)   { m.textOrNull("givenName", &e.GivenName.text) }
func (e *SetFamilyName) members(m *members)  { m.textOrNull("familyName", &e.FamilyName.text) }
func (e *SetActive) members(m *members)      { m.truth("active", &e.Active) }
func (e *SetExternalID) members(m *members)  { m.textOrNull("externalId", &e.ExternalID.text) }
func (e *SetGroupName) members(m *members)   { m.textOrNull("name", &e.Name.text) }
func (e *SetDescription) members(m *members) { m.textOrNull("description", &e.Description.text) }
func (e *SetRemoved) members(m *members)     { m.truth("removed", &e.Removed) }
func (e *SetEpoch) members(m *members)       { m.text("epoch", &e.Epoch) }
func (e *SetClaimKeyID) members(m *members)  { m.text("id", &e.ID) }
func (e *SetClosed) members(m *members)      { m.truth("closed", &e.Closed) }

func (e *SetAttribute) members(m *members) {
	m.text("name", &e.Name)
	m.attribute("value", &e.Value)
}

func (e *SetMember) members(m *members) {
	m.truth("present", &e.Present)
	m.text("kind", (*string)(&e.Kind))
}

func (e *SetNesting) members(m *members) {
	m.id("group", &e.Group.UUID)
	m.id("member", &e.Member.UUID)
	m.truth("present", &e.Present)
}

func (e *SetNode) members(m *members) {
	m.id("group", &e.Group.UUID)
	m.truth("removed", &e.Removed)
}

func (e *SetOwner) members(m *members) {
	m.idIfAny("owner", &e.Owner)
	m.textIfAny("kind", (*string)(&e.Kind))
	m.number("ownerSeq", &e.OwnerSeq)
	m.idIfAny("former", &e.Former)
}

func (e *SetKey) members(m *members) {
	m.text("hash", &e.Hash)
	m.scopes("scopes", &e.Scopes)
	m.textOrNull("label", &e.Label.text)
	m.idIfAny("owner", &e.Owner.UUID)
	m.truth("active", &e.Active)
}

func (e *SetOutcome) members(m *members) {
	m.text("digest", &e.Digest)
	m.text("stream", &e.Stream)
	m.number("seq", &e.Seq)
	m.textIfAny("sealed", &e.Sealed)
}

func (e *SetShards) members(m *members) {
	m.count("users", &e.Users)
	m.count("groups", &e.Groups)
}

// schemas is how the events of each type are read: a type may be added, and an
// upcast appended; no entry is ever changed or taken away.
var schemas = map[string]*schema{
	"SetOrigin":      of[SetOrigin](),
	"SetUsername":    of[SetUsername](),
	"SetEmail":       of[SetEmail](),
	"SetName":        of[SetName](),
	"SetGivenName":   of[SetGivenName](),
	"SetFamilyName":  of[SetFamilyName](),
	"SetActive":      of[SetActive](),
	"SetExternalID":  of[SetExternalID](),
	"SetAttribute":   of[SetAttribute](),
	"SetGroupName":   of[SetGroupName](),
	"SetDescription": of[SetDescription](),
	"SetRemoved":     of[SetRemoved](),
	"SetMember":      of[SetMember](),
	"SetNesting":     of[SetNesting](),
	"SetNode":        of[SetNode](),
	"SetOwner":       of[SetOwner](),
	"SetKey":         of[SetKey](),
	"SetOutcome":     of[SetOutcome](),
	"SetEpoch":       of[SetEpoch](),
	"SetShards":      of[SetShards](),
	"SetClaimKeyID":  of[SetClaimKeyID](),
	"SetClosed":      of[SetClosed](),
}
