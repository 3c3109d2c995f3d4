package audit

import (
	"encoding/binary"
	"maps"
	"slices"
	"time"

	"github.com/seed5b6a70b4/identity/domain"
)

// Canonical forms: equal entities have equal bytes, and no two differing ones do.
// Of a removed entity only its end counts, and Origin is for commands alone.

func canonicalUser(u *domain.User) []byte {
	b := canonicalRoot(make([]byte, 0, 512), u.ID.UUID[:], &u.Root)
	if u.Removed {
		return b
	}
	for _, text := range []string{u.Username.String(), u.Email.String(), u.Name.String(), u.GivenName.String(), u.FamilyName.String(), u.ExternalID.String()} {
		b = appendText(b, text)
	}
	return appendAttributes(appendBool(b, u.Active), u.Attributes)
}

func canonicalGroup(g *domain.Group) []byte {
	b := canonicalRoot(make([]byte, 0, 256), g.ID.UUID[:], &g.Root)
	if g.Removed {
		return b
	}
	for _, text := range []string{g.Name.String(), g.Description.String(), g.ExternalID.String()} {
		b = appendText(b, text)
	}
	return appendAttributes(b, g.Attributes)
}

func canonicalRoot(b, id []byte, root *domain.Root) []byte {
	b = appendBool(binary.AppendUvarint(append(b, id...), root.Seq), root.Removed)
	if root.Removed {
		return b
	}
	return appendTime(appendTime(b, root.CreatedAt), root.UpdatedAt)
}

func appendAttributes(b []byte, attributes domain.Attributes) []byte {
	b = binary.AppendUvarint(b, uint64(len(attributes)))
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		b = appendText(appendText(b, name), attributes[name].JSON())
	}
	return b
}

func appendText(b []byte, text string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

func appendTime(b []byte, at time.Time) []byte { return binary.AppendVarint(b, at.UnixMilli()) }

func appendBool(b []byte, is bool) []byte {
	if is {
		return append(b, 1)
	}
	return append(b, 0)
}
