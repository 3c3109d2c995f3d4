package commands_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed5b6a70b4/identity/commands"
	"github.com/seed5b6a70b4/identity/domain"
)

var reading = []domain.Scope{domain.ReadScope}

func TestCreateKey(t *testing.T) {
	run(t, []scenario{
		{
			name:  "a user's key",
			given: anna,
			when:  commands.CreateKey{Label: text("laptop"), Scopes: []domain.Scope{domain.WriteScope, domain.ReadScope, domain.WriteScope}, Owner: userID("anna")},
			then:  `key/$new SetKey{"hash":"digest","scopes":["read","write"],"label":"laptop","owner":"$anna","active":true}`,
		},
		{
			name: "a service's key",
			when: commands.CreateKey{Label: text("sync"), Scopes: reading},
			then: `key/$new SetKey{"hash":"digest","scopes":["read"],"label":"sync","active":true}`,
		},
		{name: "a label is needed", when: commands.CreateKey{Scopes: reading}, refused: "invalid"},
		{name: "a scope is needed", when: commands.CreateKey{Label: text("sync")}, refused: "invalid"},
		{name: "a scope must be one", when: commands.CreateKey{Label: text("sync"), Scopes: []domain.Scope{"root"}}, refused: "invalid"},
		{name: "the owner must be there", when: commands.CreateKey{Label: text("laptop"), Scopes: reading, Owner: userID("anna")}, refused: "not_found"},
		{name: "not removed", given: anna + annaRemoved, when: commands.CreateKey{Label: text("laptop"), Scopes: reading, Owner: userID("anna")}, refused: "not_found"},
		{name: "and active", given: anna + `user/$anna SetActive{"active":false}`, when: commands.CreateKey{Label: text("laptop"), Scopes: reading, Owner: userID("anna")}, refused: "not_found"},
	})
}

func TestTheSecretIsToldOnceAndOnlyItsHashIsWritten(t *testing.T) {
	random := strings.NewReader(strings.Repeat("\xfb", 32) + strings.Repeat("x", 16))
	w := newWorld(t, commands.Options{Random: random})
	before := w.store.End()
	result := w.do(commands.CreateKey{Label: text("sync"), Scopes: reading})
	want := "idk_" + result.Key.ID.String() + "_" + strings.Repeat("-_v7", 10) + "-_s"
	if result.Secret != want {
		t.Errorf("the secret is %s, want %s", result.Secret, want)
	}
	sum := sha256.Sum256([]byte(want))
	if result.Key.Hash != hex.EncodeToString(sum[:]) || !result.Key.Active || result.Key.Label != text("sync") {
		t.Errorf("Key is %+v", result.Key)
	}
	for commits := range w.store.Tail(t.Context(), before) {
		for _, commit := range commits {
			if strings.Contains(string(commit.Data), want[len(want)-20:]) {
				t.Error("the secret is in the store")
			}
		}
	}
	_, err := w.handler.Do(t.Context(), actor, commands.CreateKey{Label: text("sync"), Scopes: reading})
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("with too little randomness: %v", err)
	}
}

func TestRevokeKey(t *testing.T) {
	run(t, []scenario{
		{
			name:  "it is useless from then on",
			given: `key/$key SetKey{"hash":"f0","scopes":["read"],"label":"laptop","owner":"$anna","active":true}`,
			when:  commands.RevokeKey{ID: domain.KeyID{UUID: ids["key"]}},
			then:  `key/$key SetKey{"hash":"f0","scopes":["read"],"label":"laptop","owner":"$anna","active":false}`,
		},
		{
			name:    "once",
			given:   `key/$key SetKey{"hash":"f0","scopes":["read"],"label":"laptop","active":false}`,
			when:    commands.RevokeKey{ID: domain.KeyID{UUID: ids["key"]}},
			refused: "not_found",
		},
		{name: "there must be a key", when: commands.RevokeKey{ID: domain.KeyID{UUID: ids["key"]}}, refused: "not_found"},
	})
}

func TestSecretsParse(t *testing.T) {
	w := newWorld(t, commands.Options{})
	result := w.do(commands.CreateKey{Label: text("sync"), Scopes: reading})
	secret, err := domain.ParseKeySecret(result.Secret)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{result.Key.ID.String(), result.Key.Hash, result.Secret}, []string{secret.ID().String(), secret.Hash(), secret.Reveal()}); diff != "" {
		t.Errorf("(-made +parsed):\n%s", diff)
	}
}
