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
func UserStream(id uuid.UUID) StreamID { return named(UserKind, id) }

// GroupStream names the stream of a group.
func GroupStream(id uuid.UUID) StreamID { return named(GroupKind, id) }

// KeyStream names the stream of an API key.
func KeyStream(id uuid.UUID) StreamID { return named(KeyKind, id) }

// MemberStream names the stream of the edge between a group and a member.
func MemberStream(group, member uuid.UUID) StreamID { return named(MemberKind, group, member) }

// named makes the id in one allocation: it is made for every row that is read.
func named(kind Kind, ids ...uuid.UUID) StreamID {
	var room [len(MemberKind) + 2*(1+uuidLength)]byte
	name := append(room[:0], kind...)
	for i := range ids {
		name = append(name, '/')
		name = appendUUID(name, &ids[i])
	}
	return StreamID(name)
}

// ClaimStream names the stream of a unique value.
func ClaimStream(kind, key string) StreamID { return StreamID("claim/" + kind + "/" + key) }

// RequestStream names the stream of a request with an idempotency key.
func RequestStream(hash string) StreamID { return StreamID("request/" + hash) }

// UsersStream names a shard of all users.
func UsersStream(shard int) StreamID { return shardStream(UsersKind, shard) }

// GroupsStream names a shard of all groups.
func GroupsStream(shard int) StreamID { return shardStream(GroupsKind, shard) }

// ChangesStream names a part of the change feed.
func ChangesStream(part int) StreamID { return shardStream(ChangesKind, part) }

func shardStream(kind Kind, shard int) StreamID {
	return StreamID(string(kind) + "/" + strconv.Itoa(shard))
}

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

// UUID gives the id of the entity whose stream this is: user/, group/ or key/.
// It answers false for other streams, and for an id that is not written as the
// functions of this package write it.
func (s StreamID) UUID() (uuid.UUID, bool) {
	kind, rest, _ := strings.Cut(string(s), "/")
	switch Kind(kind) {
	case UserKind, GroupKind, KeyKind:
		return parseUUID(rest)
	default:
		return uuid.Nil, false
	}
}

// Edge gives the group and the member of a member/ stream, and false as UUID
// does.
func (s StreamID) Edge() (group, member uuid.UUID, ok bool) {
	kind, rest, _ := strings.Cut(string(s), "/")
	if Kind(kind) != MemberKind || len(rest) != 2*uuidLength+1 || rest[uuidLength] != '/' {
		return uuid.Nil, uuid.Nil, false
	}
	group, ok = parseUUID(rest[:uuidLength])
	member, isUUID := parseUUID(rest[uuidLength+1:])
	if !ok || !isUUID {
		return uuid.Nil, uuid.Nil, false
	}
	return group, member, true
}

// UUIDs gives the ids of entities within a stream's id: one for user/, group/
// and key/, two for member/, none for others or when the id is malformed.
func (s StreamID) UUIDs() []uuid.UUID {
	if id, ok := s.UUID(); ok {
		return []uuid.UUID{id}
	}
	if group, member, ok := s.Edge(); ok {
		return []uuid.UUID{group, member}
	}
	return nil
}

// Shard gives the number of a users/, groups/ or changes/ stream.
func (s StreamID) Shard() (int, error) {
	kind, rest, _ := strings.Cut(string(s), "/")
	switch Kind(kind) {
	case UsersKind, GroupsKind, ChangesKind:
		shard, err := strconv.ParseUint(rest, 10, 31)
		if err == nil && strconv.FormatUint(shard, 10) == rest {
			return int(shard), nil
		}
	}
	return 0, fmt.Errorf("stream of kind %s has no shard", s.Kind())
}
