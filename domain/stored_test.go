package domain_test

import (
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/seed5b6a70b4/identity/domain"
)

func TestStoredValuesEqualTheParsedOnes(t *testing.T) {
	username, err := domain.ParseUsername("Anna.Åberg")
	if err != nil {
		t.Fatal(err)
	}
	if stored := domain.Stored[domain.Username](username.String()); stored != username {
		t.Errorf("stored %v is not the parsed %v", stored, username)
	}
	attribute, err := domain.ParseAttribute(jsontext.Value(`[ 1, "two" ]`))
	if err != nil {
		t.Fatal(err)
	}
	if stored := domain.StoredAttribute(attribute.JSON()); stored != attribute {
		t.Errorf("stored %v is not the parsed %v", stored, attribute)
	}
	if none := domain.Stored[domain.Email](""); !none.IsZero() {
		t.Error("the empty text is a value")
	}
}
