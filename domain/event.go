package domain

import "github.com/google/uuid"

// Event is one fact of a stream: always a Set of a whole value, never a delta,
// so that applying it twice changes nothing. The set of events is closed.
type Event interface{ eventType() string }

// The facts of a user's own stream, user/{id}, and of a group's, group/{id}.
// Which of them an entity has is for its fold to say.
type (
	// SetOrigin is the first event of an entity whose id the client brought: the
	// digest of the request that created it, by which a repetition is known.
	SetOrigin struct {
		Digest string
	}
	// SetUsername gives a user the name to log in by.
	SetUsername struct {
		Username Username
	}
	// SetEmail gives a user a mail address, or none.
	SetEmail struct {
		Email Email
	}
	// SetName gives a user the name that people read, or none.
	SetName struct {
		Name Text
	}
	// SetGivenName gives a user a given name, or none.
	SetGivenName struct {
		GivenName Text
	}
	// SetFamilyName gives a user a family name, or none.
	SetFamilyName struct {
		FamilyName Text
	}
	// SetActive lets a user in, or keeps it out.
	SetActive struct {
		Active bool
	}
	// SetExternalID says what another system calls the entity, or nothing.
	SetExternalID struct {
		ExternalID ExternalID
	}
	// SetAttribute gives the entity one attribute, or takes it away.
	SetAttribute struct {
		Name  string
		Value Attribute
	}
	// SetGroupName names a group.
	SetGroupName struct {
		Name GroupName
	}
	// SetDescription describes a group, or does not.
	SetDescription struct {
		Description Text
	}
	// SetRemoved ends an entity. Its id is never used again.
	SetRemoved struct {
		Removed bool
	}
)

// MemberKind tells users from groups where either may stand.
type MemberKind string

// The kinds of member.
const (
	UserMember  MemberKind = "user"
	GroupMember MemberKind = "group"
)

// The facts of the remaining streams.
type (
	// SetMember says whether the member of member/{groupId}/{memberId} is in.
	SetMember struct {
		Present bool
		Kind    MemberKind
	}
	// SetNesting says, in the stream nesting, whether one group is in another.
	SetNesting struct {
		Group   GroupID
		Member  GroupID
		Present bool
	}
	// SetNode says, in the stream nesting, that a group is gone.
	SetNode struct {
		Group   GroupID
		Removed bool
	}
	// SetOwner says who holds the unique value of claim/{kind}/{key}: an entity,
	// or nobody since the commit's time, with Former the last who did.
	SetOwner struct {
		Owner    uuid.UUID
		Kind     MemberKind
		OwnerSeq uint64
		Former   uuid.UUID
	}
	// SetKey says, in key/{id}, what an API key is good for.
	SetKey struct {
		Hash   string
		Scopes []Scope
		Label  Text
		Owner  UserID
		Active bool
	}
	// SetOutcome says, in request/{hash}, what a request with an idempotency key
	// did: the digest of the request, and a commit that its answer shows, made by
	// it or found. There is one for each such commit, or one that names none.
	SetOutcome struct {
		Digest string
		Stream string
		Seq    uint64
		// Sealed is a secret that was part of the answer, encrypted so that it takes
		// the idempotency key to read it.
		Sealed string
	}
	// SetEpoch begins a life of the store, in the stream store.
	SetEpoch struct {
		Epoch string
	}
	// SetShards fixes, when the store is made, how many all-users and all-groups
	// streams there are.
	SetShards struct {
		Users  int
		Groups int
	}
	// SetClaimKeyID names the secret under which unique values are hashed, without
	// telling it.
	SetClaimKeyID struct {
		ID string
	}
	// SetClosed ends the store: another one has taken over.
	SetClosed struct {
		Closed bool
	}
)

// Listed is an event of users/{shard} or groups/{shard}: one directory fact, and
// whose. The fact is a copy; the entity's own stream is where it comes from.
type Listed struct {
	Of      uuid.UUID // the entity
	Seq     uint64    // the entity's commit that holds the fact
	Command string    // the command that made it
	Actor   string    // who asked for it
	Fact    Event     // SetUsername, SetEmail, SetActive, SetGroupName or SetRemoved
}

// TypeOf is the stable name of an event; of a Listed fact, the fact's.
func TypeOf(event Event) string { return event.eventType() }

func (SetOrigin) eventType() string      { return "SetOrigin" }
func (SetUsername) eventType() string    { return "SetUsername" }
func (SetEmail) eventType() string       { return "SetEmail" }
func (SetName) eventType() string        { return "SetName" }
func (SetGivenName) eventType() string   { return "SetGivenName" }
func (SetFamilyName) eventType() string  { return "SetFamilyName" }
func (SetActive) eventType() string      { return "SetActive" }
func (SetExternalID) eventType() string  { return "SetExternalID" }
func (SetAttribute) eventType() string   { return "SetAttribute" }
func (SetGroupName) eventType() string   { return "SetGroupName" }
func (SetDescription) eventType() string { return "SetDescription" }
func (SetRemoved) eventType() string     { return "SetRemoved" }
func (SetMember) eventType() string      { return "SetMember" }
func (SetNesting) eventType() string     { return "SetNesting" }
func (SetNode) eventType() string        { return "SetNode" }
func (SetOwner) eventType() string       { return "SetOwner" }
func (SetKey) eventType() string         { return "SetKey" }
func (SetOutcome) eventType() string     { return "SetOutcome" }
func (SetEpoch) eventType() string       { return "SetEpoch" }
func (SetShards) eventType() string      { return "SetShards" }
func (SetClaimKeyID) eventType() string  { return "SetClaimKeyID" }
func (SetClosed) eventType() string      { return "SetClosed" }
func (l Listed) eventType() string       { return l.Fact.eventType() }
