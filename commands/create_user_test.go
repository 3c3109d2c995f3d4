package commands_test

import (
	"testing"

	"github.com/seed5b6a70b4/identity/commands"
	"github.com/seed5b6a70b4/identity/domain"
)

// anna is a user as creating her leaves the streams.
const anna = `
	user/$anna SetUsername{"username":"anna"} SetEmail{"email":"a@x.org"} SetActive{"active":true} SetExternalID{"externalId":"hr-1"}
	users/0 $anna@1 SetUsername{"username":"anna"} $anna@1 SetEmail{"email":"a@x.org"} $anna@1 SetActive{"active":true}
	claim/username/anna SetOwner{"owner":"$anna","kind":"user","ownerSeq":1}
	claim/email/a@x.org SetOwner{"owner":"$anna","kind":"user","ownerSeq":1}
	claim/externalid/hr-1 SetOwner{"owner":"$anna","kind":"user","ownerSeq":1}
`

func TestCreateUser(t *testing.T) {
	run(t, []scenario{
		{
			name: "only a username is required, and whether the user is active is always written",
			when: commands.CreateUser{ID: userID("anna"), Username: username("Anna")},
			then: `
				user/$anna SetOrigin{"digest":"` + originOfPlainAnna + `"} SetUsername{"username":"Anna"} SetActive{"active":false}
				users/0 $anna@1 SetUsername{"username":"Anna"} $anna@1 SetActive{"active":false}
				claim/username/anna SetOwner{"owner":"$anna","kind":"user","ownerSeq":1}
			`,
		},
	})
}

const originOfPlainAnna = "x"

var _ domain.Text
