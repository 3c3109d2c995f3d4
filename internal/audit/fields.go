package audit

import (
	"fmt"
	"strconv"

	"github.com/seed5b6a70b4/identity/domain"
)

// The fields of rows, for saying which differ. They compare what the canonical
// forms compare.

func userFields(u *domain.User) fields {
	f := rootFields(&u.Root)
	f["id"] = u.ID.String()
	if u.Removed {
		return f
	}
	f["username"], f["email"], f["externalId"] = u.Username.String(), u.Email.String(), u.ExternalID.String()
	f["name"], f["givenName"], f["familyName"] = u.Name.String(), u.GivenName.String(), u.FamilyName.String()
	f["active"] = strconv.FormatBool(u.Active)
	return f.with(u.Attributes)
}

func groupFields(g *domain.Group) fields {
	f := rootFields(&g.Root)
	f["id"] = g.ID.String()
	if g.Removed {
		return f
	}
	f["name"], f["description"], f["externalId"] = g.Name.String(), g.Description.String(), g.ExternalID.String()
	return f.with(g.Attributes)
}

func keyFields(k *domain.APIKey) fields {
	f := rootFields(&k.Root)
	f["id"], f["hash"], f["label"], f["owner"] = k.ID.String(), k.Hash, k.Label.String(), k.Owner.String()
	f["scopes"], f["active"] = fmt.Sprint(k.Scopes), strconv.FormatBool(k.Active)
	return f
}

func membershipFields(m *domain.Membership) fields {
	return fields{
		"group": m.Group.String(), "member": m.Member.String(), "kind": string(m.Kind), "seq": number(m.Seq),
		"present": strconv.FormatBool(m.Present), "since": fmt.Sprint(m.Since.UnixMilli()),
	}
}

func rootFields(r *domain.Root) fields {
	f := fields{"seq": number(r.Seq), "removed": strconv.FormatBool(r.Removed)}
	if !r.Removed {
		f["createdAt"], f["updatedAt"] = fmt.Sprint(r.CreatedAt.UnixMilli()), fmt.Sprint(r.UpdatedAt.UnixMilli())
	}
	return f
}

func (f fields) with(attributes domain.Attributes) fields {
	f["attributes"] = number(uint64(len(attributes)))
	for name, value := range attributes {
		f["attributes."+name] = value.JSON()
	}
	return f
}
