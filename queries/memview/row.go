package memview

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"time"

	"github.com/seed5b6a70b4/identity/domain"
)

// A row, as it stands in an arena:
//
//	seq      uvarint
//	created  varint    Unix milliseconds
//	updated  varint    milliseconds after created
//	flags    1 byte
//	origin   text      its hexadecimal digits two to a byte if rowHexOrigin
//	fields   texts     user: username, e-mail, name, given and family name,
//	                   external id; group: name, description, external id
//	count    uvarint   of attributes, each:
//	  name   uvarint   its number + 1, or 0 and then the name as a text
//	  value  text      JSON
//
// A text is its length as a uvarint and its bytes. Of a removed entity only what
// comes before the fields is kept.

const (
	rowRemoved byte = 1 << iota
	rowActive
	rowHexOrigin
)

func appendText(row []byte, text string) []byte {
	return append(binary.AppendUvarint(row, uint64(len(text))), text...)
}

func appendRoot(row []byte, root *domain.Root, flags byte) []byte {
	created := root.CreatedAt.UnixMilli()
	row = binary.AppendUvarint(row, root.Seq)
	row = binary.AppendVarint(row, created)
	row = binary.AppendVarint(row, root.UpdatedAt.UnixMilli()-created)
	if root.Removed {
		flags |= rowRemoved
	}
	if !isHex(root.Origin) {
		return appendText(append(row, flags), root.Origin)
	}
	row = append(row, flags|rowHexOrigin)
	row = binary.AppendUvarint(row, uint64(len(root.Origin)/2))
	at := len(row)
	row = append(row, root.Origin[:len(root.Origin)/2]...)
	for i := range row[at:] {
		row[at+i] = digit(root.Origin[2*i])<<4 | digit(root.Origin[2*i+1])
	}
	return row
}

func isHex(text string) bool {
	for i := range len(text) {
		if c := text[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return text != "" && len(text)%2 == 0
}

func digit(c byte) byte {
	if c >= 'a' {
		return c - 'a' + 10
	}
	return c - '0'
}

func (v *View) appendUser(row []byte, user *domain.User) []byte {
	var flags byte
	if user.Active {
		flags = rowActive
	}
	row = appendRoot(row, &user.Root, flags)
	if user.Removed {
		return row
	}
	row = appendText(row, user.Username.String())
	row = appendText(row, user.Email.String())
	row = appendText(row, user.Name.String())
	row = appendText(row, user.GivenName.String())
	row = appendText(row, user.FamilyName.String())
	row = appendText(row, user.ExternalID.String())
	return v.appendAttributes(row, user.Attributes)
}

func (v *View) appendGroup(row []byte, group *domain.Group) []byte {
	row = appendRoot(row, &group.Root, 0)
	if group.Removed {
		return row
	}
	row = appendText(row, group.Name.String())
	row = appendText(row, group.Description.String())
	row = appendText(row, group.ExternalID.String())
	return v.appendAttributes(row, group.Attributes)
}

func (v *View) appendAttributes(row []byte, attributes domain.Attributes) []byte {
	row = binary.AppendUvarint(row, uint64(len(attributes)))
	for name, value := range attributes {
		if number, ok := v.names.number(name); ok {
			row = binary.AppendUvarint(row, uint64(number)+1)
		} else {
			row = appendText(append(row, 0), name)
		}
		row = appendText(row, value.JSON())
	}
	return row
}

// rowReader takes a row apart. The texts it gives are parts of the row.
type rowReader struct{ rest string }

func (r *rowReader) uvarint() uint64 {
	if b := r.rest[0]; b < 0x80 {
		r.rest = r.rest[1:]
		return uint64(b)
	}
	var x uint64
	for i, shift := 0, 0; ; i, shift = i+1, shift+7 {
		b := r.rest[i]
		x |= uint64(b&0x7f) << shift
		if b < 0x80 {
			r.rest = r.rest[i+1:]
			return x
		}
	}
}

func (r *rowReader) varint() int64 {
	x := r.uvarint()
	return int64(x>>1) ^ -int64(x&1)
}

func (r *rowReader) text() string {
	length := r.uvarint()
	text := r.rest[:length]
	r.rest = r.rest[length:]
	return text
}

func (r *rowReader) root() (root domain.Root, flags byte) {
	root.Seq = r.uvarint()
	created := r.varint()
	root.CreatedAt = time.UnixMilli(created).UTC()
	root.UpdatedAt = time.UnixMilli(created + r.varint()).UTC()
	flags = r.rest[0]
	r.rest = r.rest[1:]
	root.Removed = flags&rowRemoved != 0
	root.Origin = r.text()
	if flags&rowHexOrigin != 0 {
		root.Origin = hex.EncodeToString([]byte(root.Origin))
	}
	return root, flags
}

func (v *View) readUser(id domain.UserID, row string) domain.User {
	if row == "" {
		return domain.User{}
	}
	r := rowReader{row}
	user := domain.User{ID: id}
	var flags byte
	if user.Root, flags = r.root(); user.Removed {
		return user
	}
	user.Active = flags&rowActive != 0
	user.Username = domain.Stored[domain.Username](r.text())
	user.Email = domain.Stored[domain.Email](r.text())
	user.Name = domain.Stored[domain.Text](r.text())
	user.GivenName = domain.Stored[domain.Text](r.text())
	user.FamilyName = domain.Stored[domain.Text](r.text())
	user.ExternalID = domain.Stored[domain.ExternalID](r.text())
	user.Attributes = v.readAttributes(&r)
	return user
}

func (v *View) readGroup(id domain.GroupID, row string) domain.Group {
	if row == "" {
		return domain.Group{}
	}
	r := rowReader{row}
	group := domain.Group{ID: id}
	if group.Root, _ = r.root(); group.Removed {
		return group
	}
	group.Name = domain.Stored[domain.GroupName](r.text())
	group.Description = domain.Stored[domain.Text](r.text())
	group.ExternalID = domain.Stored[domain.ExternalID](r.text())
	group.Attributes = v.readAttributes(&r)
	return group
}

func (v *View) readAttributes(r *rowReader) domain.Attributes {
	count := r.uvarint()
	if count == 0 {
		return nil
	}
	names := v.names.all()
	attributes := make(domain.Attributes, count)
	for range count {
		var name string
		if number := r.uvarint(); number > 0 {
			name = names[number-1]
		} else {
			name = r.text()
		}
		attributes[name] = domain.StoredAttribute(r.text())
	}
	return attributes
}

var errMalformedRow = errors.New("malformed row")

// rowStage reads how far a row of unsure origin has got.
func rowStage(row []byte) (seq uint64, at stage, err error) {
	seq, size := binary.Uvarint(row)
	if size <= 0 || seq == 0 {
		return 0, unknown, errMalformedRow
	}
	rest := row[size:]
	for range 2 {
		_, size := binary.Varint(rest)
		if size <= 0 || size == len(rest) {
			return 0, unknown, errMalformedRow
		}
		rest = rest[size:]
	}
	if rest[0]&rowRemoved != 0 {
		return seq, gone, nil
	}
	return seq, here, nil
}
