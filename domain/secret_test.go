package domain_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/seed5b6a70b4/identity/domain"
)

func TestKeySecrets(t *testing.T) {
	id := must(domain.ParseID[domain.APIKey]("0196f3c1-5a00-7000-8000-00000000000a"))
	secret := domain.NewKeySecret(id, [32]byte{0xff, 0xfe, 31: 1})
	const text = "idk_0196f3c1-5a00-7000-8000-00000000000a___4AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE"
	if secret.Reveal() != text || secret.ID() != id || len(secret.Hash()) != 64 {
		t.Fatalf("the secret is %s of %v with hash %s", secret.Reveal(), secret.ID(), secret.Hash())
	}
	back, err := domain.ParseKeySecret(text)
	if err != nil || back != secret || back.Hash() != secret.Hash() {
		t.Fatalf("it comes back as %s (%v)", back.Reveal(), err)
	}
	if other := domain.NewKeySecret(id, [32]byte{1}); other.Hash() == secret.Hash() {
		t.Error("two secrets have one hash")
	}
	for _, printed := range []string{fmt.Sprint(secret), fmt.Sprintf("%+v", secret), fmt.Sprintf("%#v", secret), fmt.Sprintf("%v", struct{ S domain.KeySecret }{secret})} {
		if strings.Contains(printed, "AAAA") {
			t.Errorf("printed it is %s", printed)
		}
	}
}

func TestTextsThatAreNoKeySecrets(t *testing.T) {
	const good = "idk_0196f3c1-5a00-7000-8000-00000000000a___4AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE"
	for name, text := range map[string]string{
		"empty":              "",
		"only the prefix":    "idk_",
		"another prefix":     "idx_" + good[4:],
		"no prefix":          good[4:],
		"upper case":         strings.ToUpper(good),
		"an id that is none": strings.Replace(good, "0196f3c1", "0196f3cx", 1),
		"the nil id":         "idk_00000000-0000-0000-0000-000000000000" + good[40:],
		"no underscore":      strings.Replace(good, "a___4", "a-__4", 1),
		"cut":                good[:len(good)-1],
		"longer":             good + "A",
		"not base64":         strings.Replace(good, "__4A", "__4!", 1),
		"base64 of others":   strings.Replace(good, "__4A", "++4A", 1),
		"a line break":       good[:60] + "\n" + good[61:],
		"bits left over":     good[:len(good)-1] + "F",
		"a space after":      good[:len(good)-1] + " ",
	} {
		secret, err := domain.ParseKeySecret(text)
		if !errors.Is(err, domain.Invalid) || secret.Reveal() != "" {
			t.Errorf("%s: %q, %v; want domain.Invalid", name, secret.Reveal(), err)
		}
		holdsNothingOf(t, name, err, text)
	}
}
