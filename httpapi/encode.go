package httpapi

import (
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
)

// Answers are appended to a buffer, field by field and in a fixed order: a strong
// entity tag promises the same bytes for the same state.

// appendString writes text as a JSON string. What is not UTF-8 becomes U+FFFD.
func appendString[T ~string | ~[]byte](dst []byte, text T) []byte {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' {
			dst, _ = jsontext.AppendQuote(dst, text)
			return dst
		}
	}
	dst = append(dst, '"')
	dst = append(dst, text...)
	return append(dst, '"')
}

// appendTime writes an instant as RFC 3339 says, in UTC and with milliseconds, as
// a JSON string of fixed width.
func appendTime(dst []byte, at time.Time) []byte {
	at = at.UTC()
	year, month, day := at.Date()
	hour, minute, second := at.Clock()
	dst = append(dst, '"')
	dst = appendDigits(dst, year, 4)
	dst = append(dst, '-')
	dst = appendDigits(dst, int(month), 2)
	dst = append(dst, '-')
	dst = appendDigits(dst, day, 2)
	dst = append(dst, 'T')
	dst = appendDigits(dst, hour, 2)
	dst = append(dst, ':')
	dst = appendDigits(dst, minute, 2)
	dst = append(dst, ':')
	dst = appendDigits(dst, second, 2)
	dst = append(dst, '.')
	dst = appendDigits(dst, at.Nanosecond()/int(time.Millisecond), 3)
	return append(dst, 'Z', '"')
}

func appendDigits(dst []byte, number, width int) []byte {
	start := len(dst)
	dst = append(dst, "0000"[:width]...)
	for i := start + width - 1; i >= start; i-- {
		dst[i] = byte('0' + number%10)
		number /= 10
	}
	return dst
}

const hexDigits = "0123456789abcdef"

// appendUUID writes an id in its 36-character form, without quotes.
func appendUUID(dst []byte, id uuid.UUID) []byte {
	for i, b := range id {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			dst = append(dst, '-')
		}
		dst = append(dst, hexDigits[b>>4], hexDigits[b&15])
	}
	return dst
}

func appendIDMember(dst []byte, prefix string, id uuid.UUID) []byte {
	dst = append(dst, prefix...)
	dst = appendUUID(dst, id)
	return append(dst, '"')
}

// appendMember writes a member whose value is text, none if there is no text.
func appendMember(dst []byte, prefix, text string) []byte {
	if text == "" {
		return dst
	}
	dst = append(dst, prefix...)
	return appendString(dst, text)
}

func appendTimes(dst []byte, root *domain.Root) []byte {
	dst = append(dst, `,"createdAt":`...)
	dst = appendTime(dst, root.CreatedAt)
	dst = append(dst, `,"updatedAt":`...)
	dst = appendTime(dst, root.UpdatedAt)
	return append(dst, '}')
}

func appendAttributes(dst []byte, attributes domain.Attributes) []byte {
	if len(attributes) == 0 {
		return dst
	}
	var space [16]string
	names := space[:0]
	for name := range attributes {
		names = append(names, name)
	}
	slices.Sort(names)
	dst = append(dst, `,"attributes":{`...)
	for i, name := range names {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendString(dst, name)
		dst = append(dst, ':')
		dst = append(dst, attributes[name].JSON()...)
	}
	return append(dst, '}')
}

func appendUser(dst []byte, u *domain.User) []byte {
	dst = appendIDMember(dst, `{"id":"`, u.ID.UUID)
	dst = appendMember(dst, `,"username":`, u.Username.String())
	dst = appendMember(dst, `,"email":`, u.Email.String())
	dst = appendMember(dst, `,"name":`, u.Name.String())
	dst = appendMember(dst, `,"givenName":`, u.GivenName.String())
	dst = appendMember(dst, `,"familyName":`, u.FamilyName.String())
	dst = append(dst, `,"active":`...)
	dst = strconv.AppendBool(dst, u.Active)
	dst = appendMember(dst, `,"externalId":`, u.ExternalID.String())
	dst = appendAttributes(dst, u.Attributes)
	return appendTimes(dst, &u.Root)
}

func appendGroup(dst []byte, g *domain.Group) []byte {
	dst = appendIDMember(dst, `{"id":"`, g.ID.UUID)
	dst = appendMember(dst, `,"name":`, g.Name.String())
	dst = appendMember(dst, `,"description":`, g.Description.String())
	dst = appendMember(dst, `,"externalId":`, g.ExternalID.String())
	dst = appendAttributes(dst, g.Attributes)
	return appendTimes(dst, &g.Root)
}

func appendMembership(dst []byte, m *domain.Membership) []byte {
	dst = appendIDMember(dst, `{"groupId":"`, m.Group.UUID)
	dst = appendIDMember(dst, `,"memberId":"`, m.Member)
	dst = append(dst, `,"kind":`...)
	dst = appendString(dst, string(m.Kind))
	dst = append(dst, `,"since":`...)
	dst = appendTime(dst, m.Since)
	return append(dst, '}')
}

// appendKey writes an API key, and its secret if there is one to tell.
func appendKey(dst []byte, k *domain.APIKey, secret string) []byte {
	dst = appendIDMember(dst, `{"id":"`, k.ID.UUID)
	dst = appendMember(dst, `,"label":`, k.Label.String())
	dst = append(dst, `,"scopes":[`...)
	for i, scope := range k.Scopes {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendString(dst, string(scope))
	}
	dst = append(dst, ']')
	if !k.Owner.IsZero() {
		dst = appendIDMember(dst, `,"owner":"`, k.Owner.UUID)
	}
	dst = append(dst, `,"createdAt":`...)
	dst = appendTime(dst, k.CreatedAt)
	dst = appendMember(dst, `,"key":`, secret)
	return append(dst, '}')
}

// appendPage writes items as a list, with the cursor of the next page or null.
func appendPage[T any](dst []byte, items []T, next string, item func([]byte, *T) []byte) []byte {
	dst = appendItems(dst, items, item)
	dst = append(dst, `,"next":`...)
	if next == "" {
		return append(dst, `null}`...)
	}
	dst = appendString(dst, next)
	return append(dst, '}')
}

// appendItems begins an object with its items and leaves it open.
func appendItems[T any](dst []byte, items []T, item func([]byte, *T) []byte) []byte {
	dst = append(dst, `{"items":[`...)
	for i := range items {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = item(dst, &items[i])
	}
	return append(dst, ']')
}
