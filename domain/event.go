package domain

import "github.com/google/uuid"

// Event is one fact of a stream: always a Set of a whole value, never a delta,
// so that applying it twice changes nothing. The set of events is closed.
type Event interface{ isEvent() }

// The facts of a user's own stream, user/{id}, and of a group's, group/{id}.
// Which of them an entity has is for its fold to say.
type (
	// SetOrigin is the first event of an entity whose id the client brought: the
	// digest of the request that created it, by which a repetition is known.
	SetOrigin struct {
		Digest string `json:"digest"`
	}
	// SetUsername gives a user the name to log in by.
	SetUsername struct {
		Username Username `json:"username"`
	}
	// SetEmail gives a user a mail address, or none.
	SetEmail struct {
		Email Email `json:"email"`
	}
	// SetName gives a user the name that people read, or none.
	SetName struct {
		Name Text `json:"name"`
	}
	// SetGivenName gives a user a given name, or none.
	SetGivenName struct {
		GivenName Text `json:"givenName"`
	}
	// SetFamilyName gives a user a family name, or none.
	SetFamilyName struct {
		FamilyName Text `json:"familyName"`
	}
	// SetActive lets a user in, or keeps it out.
	SetActive struct {
		Active bool `json:"active"`
	}
	// SetExternalID says what another system calls the entity, or nothing.
	SetExternalID struct {
		ExternalID ExternalID `json:"externalId"`
	}
	// SetAttribute gives the entity one attribute, or takes it away.
	SetAttribute struct {
		Name  string    `json:"name"`
		Value Attribute `json:"value"`
	}
	// SetGroupName names a group.
	SetGroupName struct {
		Name GroupName `json:"name"`
	}
	// SetDescription describes a group, or does not.
	SetDescription struct {
		Description Text `json:"description"`
	}
	// SetRemoved ends an entity. Its id is never used again.
	SetRemoved struct {
		Removed bool `json:"removed"`
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
		Present bool       `json:"present"`
		Kind    MemberKind `json:"kind"`
	}
	// SetNesting says, in the stream nesting, whether one group is in another.
	SetNesting struct {
		Group   GroupID `json:"group"`
		Member  GroupID `json:"member"`
		Present bool    `json:"present"`
	}
	// SetNode says, in the stream nesting, that a group is gone.
	SetNode struct {
		Group   GroupID `json:"group"`
		Removed bool    `json:"removed"`
	}
	// SetOwner says who holds the unique value of claim/{kind}/{key}: an entity,
	// or nobody since the commit's time, with Former the last who did.
	SetOwner struct {
		Owner    uuid.UUID  `json:"owner,omitzero"`
		Kind     MemberKind `json:"kind,omitzero"`
		OwnerSeq uint64     `json:"ownerSeq"`
		Former   uuid.UUID  `json:"former,omitzero"`
	}
	// SetKey says, in key/{id}, what an API key is good for.
	SetKey struct {
		Hash   string  `json:"hash"`
		Scopes []Scope `json:"scopes"`
		Label  Text    `json:"label"`
		Owner  UserID  `json:"owner,omitzero"`
		Active bool    `json:"active"`
	}
	// SetOutcome says, in request/{hash}, what a request with an idempotency key
	// did: the digest of the request, and a commit that its answer shows, made by
	// it or found. There is one for each such commit, or one that names none.
	SetOutcome struct {
		Digest string `json:"digest"`
		Stream string `json:"stream"`
		Seq    uint64 `json:"seq"`
		// Sealed is a secret that was part of the answer, encrypted so that it takes
		// the idempotency key to read it.
		Sealed string `json:"sealed,omitempty"`
	}
	// SetEpoch begins a life of the store, in the stream store.
	SetEpoch struct {
		Epoch string `json:"epoch"`
	}
	// SetShards fixes, when the store is made, how many all-users and all-groups
	// streams there are.
	SetShards struct {
		Users  int `json:"users"`
		Groups int `json:"groups"`
	}
	// SetClaimKeyID names the secret under which unique values are hashed, without
	// telling it.
	SetClaimKeyID struct {
		ID string `json:"id"`
	}
	// SetClosed ends the store: another one has taken over.
	SetClosed struct {
		Closed bool `json:"closed"`
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

func (SetOrigin) isEvent()      {}
func (SetUsername) isEvent()    {}
func (SetEmail) isEvent()       {}
func (SetName) isEvent()        {}
func (SetGivenName) isEvent()   {}
func (SetFamilyName) isEvent()  {}
func (SetActive) isEvent()      {}
func (SetExternalID) isEvent()  {}
func (SetAttribute) isEvent()   {}
func (SetGroupName) isEvent()   {}
func (SetDescription) isEvent() {}
func (SetRemoved) isEvent()     {}
func (SetMember) isEvent()      {}
func (SetNesting) isEvent()     {}
func (SetNode) isEvent()        {}
func (SetOwner) isEvent()       {}
func (SetKey) isEvent()         {}
func (SetOutcome) isEvent()     {}
func (SetEpoch) isEvent()       {}
func (SetShards) isEvent()      {}
func (SetClaimKeyID) isEvent()  {}
func (SetClosed) isEvent()      {}
func (Listed) isEvent()         {}
