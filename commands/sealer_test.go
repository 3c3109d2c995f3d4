package commands

import (
	"testing"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/memstore"
)

// TestASealTakesBothKeysToOpen looks inside, because from outside a seal is never
// found under another key.
func TestASealTakesBothKeysToOpen(t *testing.T) {
	streams := eventstream.New(memstore.New(nil), nil)
	sealed := func(store domain.ClaimSecret, idempotencyKey string) func([]byte) ([]byte, error) {
		h := New(streams, Directory{Secret: store}, nil)
		sealer, err := h.sealer(&Request{IdempotencyKey: idempotencyKey})
		if err != nil {
			t.Fatal(err)
		}
		return func(data []byte) ([]byte, error) {
			if data == nil {
				return sealer.Seal(nil, nil, []byte("secret"), nil), nil
			}
			return sealer.Open(nil, nil, data, nil)
		}
	}
	seal, err := sealed(domain.ClaimSecret{1}, "k")(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		store domain.ClaimSecret
		key   string
		opens bool
	}{
		{"both keys", domain.ClaimSecret{1}, "k", true},
		{"another idempotency key", domain.ClaimSecret{1}, "l", false},
		{"another store's secret", domain.ClaimSecret{2}, "k", false},
	} {
		if _, err := sealed(c.store, c.key)(seal); (err == nil) != c.opens {
			t.Errorf("with %s: %v", c.name, err)
		}
	}
}
