package memlease_test

import (
	"testing"

	"github.com/seed5b6a70b4/identity/sync/leasetest"
	"github.com/seed5b6a70b4/identity/sync/memlease"
	"github.com/seed5b6a70b4/identity/sync/shardfeed"
)

func TestContract(t *testing.T) {
	groups := map[string]*memlease.Leases{}
	leasetest.Run(t, func(_ *testing.T, group string) shardfeed.Leases {
		if groups[group] == nil {
			groups[group] = &memlease.Leases{}
		}
		return groups[group]
	})
}
