package domain

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"sync"
	"time"

	"github.com/google/uuid"
)

// ClaimKind says which values are unique among each other.
type ClaimKind string

// The kinds of unique value, in the order in which a conflict is reported.
const (
	UsernameClaim   ClaimKind = "username"
	EmailClaim      ClaimKind = "email"
	GroupNameClaim  ClaimKind = "groupname"
	ExternalIDClaim ClaimKind = "externalid"
)

// ClaimSecret is the store's key for hashing unique values, so that the names of
// streams tell nothing about whom they are for.
type ClaimSecret [32]byte

// String names the secret as ID does, so that printing it does not tell it.
func (s ClaimSecret) String() string { return "claim secret " + s.ID() }

// GoString is String.
func (s ClaimSecret) GoString() string { return s.String() }

// ID names the secret without telling it.
func (s ClaimSecret) ID() string {
	sum := sha256.Sum256(append([]byte("identity claim secret\x00"), s[:]...))
	return hex.EncodeToString(sum[:8])
}

// Key is the name of a unique value within its kind: the first 128 bits of the
// HMAC-SHA256 of kind and compared form, in hex.
func (s ClaimSecret) Key(kind ClaimKind, compared string) string {
	k, _ := keyers.Get().(*keyer)
	if k == nil || k.secret != s {
		k = &keyer{secret: s, mac: hmac.New(sha256.New, s[:])}
	}
	defer keyers.Put(k)
	k.mac.Reset()
	k.text = append(append(append(k.text[:0], kind...), 0), compared...)
	k.mac.Write(k.text)
	k.sum = k.mac.Sum(k.sum[:0])
	return hex.EncodeToString(k.sum[:16])
}

// keyer is an HMAC to be used again: half of what one costs is its key.
type keyer struct {
	secret    ClaimSecret
	mac       hash.Hash
	text, sum []byte
}

var keyers sync.Pool // of *keyer

// Claim is who holds a unique value, as the commits of claim/{kind}/{key} make
// it. Each commit says it in full, so that the last one alone is enough.
type Claim struct {
	Seq        uint64
	Owner      uuid.UUID // nobody when zero
	Kind       MemberKind
	OwnerSeq   uint64 // the owner's commit that took or gave up the value
	Former     uuid.UUID
	ReleasedAt time.Time
}

// Apply folds one commit in; it may pass over earlier ones. Otherwise it does as
// User.Apply.
func (c *Claim) Apply(seq uint64, at time.Time, events []Event) error {
	if seq <= c.Seq {
		return nil
	}
	next := *c
	for _, event := range events {
		set, ok := event.(SetOwner)
		if !ok {
			return fmt.Errorf("%w: a claim has no %s", ErrUnknownEvent, TypeOf(event))
		}
		next = Claim{Owner: set.Owner, Kind: set.Kind, OwnerSeq: set.OwnerSeq, Former: set.Former}
		if set.Owner == uuid.Nil {
			next.ReleasedAt = at
		}
	}
	*c = next
	c.Seq = seq
	return nil
}

// FreeFor tells whether the entity may take the value now: nobody holds it, and
// it was released at least a quarantine ago or by the entity itself. Otherwise
// until is when the quarantine ends, zero if somebody holds the value.
func (c *Claim) FreeFor(entity uuid.UUID, now time.Time, quarantine time.Duration) (free bool, until time.Time) {
	switch {
	case c.Owner != uuid.Nil:
		return c.Owner == entity, time.Time{}
	case c.Seq == 0 || c.Former == entity:
		return true, time.Time{}
	}
	until = c.ReleasedAt.Add(quarantine)
	return quarantine <= 0 || !now.Before(until), until
}
