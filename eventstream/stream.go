package eventstream

import (
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"

	"github.com/google/uuid"
)

// StreamID names a stream. Ids are compared byte by byte.
type StreamID string

// Seq numbers the commits of one stream from 1; 0 is before the first.
type Seq uint64

// Kind is the first word of a stream's id.
type Kind string

// The kinds of stream.
const (
	UserKind    Kind = "user"
	UsersKind   Kind = "users"
	GroupKind   Kind = "group"
	GroupsKind  Kind = "groups"
	MemberKind  Kind = "member"
	NestingKind Kind = "nesting"
	ClaimKind   Kind = "claim"
	KeyKind     Kind = "key"
	RequestKind Kind = "request"
	StoreKind   Kind = "store"
	ChangesKind Kind = "changes"
	// LogKind is no stream but the log of a store that numbers its transactions:
	// in a token it says how far a view has applied them.
	LogKind Kind = "log"
)

// MaxStreamID is the longest stream id, in bytes.
const MaxStreamID = 256

// The streams there is one of.
const (
	NestingStream StreamID = "nesting"
	StoreStream   StreamID = "store"
	LogStream     StreamID = "log"
)

// UserStream names the stream of a user.
func UserStream(id uuid.UUID) StreamID { return StreamID("user/" + id.String()) }

// GroupStream names the stream of a group.
func GroupStream(id uuid.UUID) StreamID { return StreamID("group/" + id.String()) }

// MemberStream names the stream of the edge between a group and a member.
func MemberStream(group, member uuid.UUID) StreamID {
	return StreamID("member/" + group.String() + "/" + member.String())
}

// KeyStream names the stream of an API key.
func KeyStream(id uuid.UUID) StreamID { return StreamID("key/" + id.String()) }

// ClaimStream names the stream of a unique value.
func ClaimStream(kind, key string) StreamID { return StreamID("claim/" + kind + "/" + key) }

// RequestStream names the stream of a request with an idempotency key.
func RequestStream(hash string) StreamID { return StreamID("request/" + hash) }

// UsersStream and GroupsStream name a shard of all users and of all groups.
func UsersStream(shard int) StreamID { return StreamID("users/" + strconv.Itoa(shard)) }

// GroupsStream names a shard of all groups.
func GroupsStream(shard int) StreamID { return StreamID("groups/" + strconv.Itoa(shard)) }

// ShardOf tells in which of so many shards the entity is listed: FNV-1a of its
// id, for ever, modulo shards.
func ShardOf(id uuid.UUID, shards int) int {
	hash := fnv.New32a()
	hash.Write(id[:])
	return int(hash.Sum32() % uint32(shards))
}

// Kind is the first word of the id.
func (s StreamID) Kind() Kind {
	kind, _, _ := strings.Cut(string(s), "/")
	return Kind(kind)
}

// UUIDs gives the ids of entities within a stream's id: one for user/, group/
// and key/, two for member/, none for others or when the id is malformed.
func (s StreamID) UUIDs() []uuid.UUID {
	kind, rest, _ := strings.Cut(string(s), "/")
	switch Kind(kind) {
	case UserKind, GroupKind, KeyKind:
		if len(rest) != 36 {
			return nil
		}
	case MemberKind:
		if len(rest) != 73 || rest[36] != '/' {
			return nil
		}
	default:
		return nil
	}
	ids := make([]uuid.UUID, 0, 2)
	for ; rest != ""; rest = strings.TrimPrefix(rest[36:], "/") {
		id, err := uuid.Parse(rest[:36])
		if err != nil {
			return nil
		}
		ids = append(ids, id)
	}
	return ids
}

// Shard gives the number of a users/, groups/ or changes/ stream.
func (s StreamID) Shard() (int, error) {
	_, rest, _ := strings.Cut(string(s), "/")
	shard, err := strconv.ParseUint(rest, 10, 31)
	if err != nil {
		return 0, fmt.Errorf("stream of kind %s has no shard", s.Kind())
	}
	return int(shard), nil
}
