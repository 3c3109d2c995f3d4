package domain_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/seed5b6a70b4/identity/domain"
)

func TestRefusals(t *testing.T) {
	for _, test := range []struct {
		err        *domain.Error
		kind       domain.Kind
		code, text string
	}{
		{&domain.Error{Kind: domain.NotFound}, domain.NotFound, "not_found", "not_found"},
		{domain.Refuse(domain.Taken, "email_taken", "somebody has it"), domain.Taken, "email_taken", "email_taken: somebody has it"},
		{domain.RefuseField("/email", "must be an address"), domain.Invalid, "invalid", "invalid: the request holds values that cannot be accepted"},
	} {
		wrapped := fmt.Errorf("create user: %w", test.err)
		var refusal *domain.Error
		if !errors.Is(wrapped, test.kind) || !errors.As(wrapped, &refusal) || refusal.StableCode() != test.code || test.err.Error() != test.text {
			t.Errorf("%v has the code %s", test.err, test.err.StableCode())
		}
		for _, other := range []domain.Kind{domain.Invalid, domain.NotFound, domain.Taken, domain.Stale, domain.Cycle, domain.Mismatch, domain.Denied} {
			if errors.Is(wrapped, other) != (other == test.kind) {
				t.Errorf("%v is %v", test.err, other)
			}
		}
	}
}
