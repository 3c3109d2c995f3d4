package main

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// What the command asks a service for is what the service reads.
func TestAnAuditIsDoneAsItIsOrdered(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		order := auditOrder{rapid.Bool().Draw(t, "repair"), time.Duration(rapid.Int64Range(0, int64(mostPatience)).Draw(t, "patience"))}
		if read, err := parseAuditOrder(order.query()); err != nil || read != order {
			t.Fatalf("%+v is read as %+v, %v", order, read, err)
		}
	})
}

// Builds that knew nothing but repairs compared the whole query with this one.
func TestARepairAloneIsOrderedAsEver(t *testing.T) {
	if got := (auditOrder{repair: true}).query(); got != "repair=true" {
		t.Errorf("it is ordered with %q", got)
	}
}

func TestWrongOrdersAreRefused(t *testing.T) {
	for _, query := range []string{
		"repair=true;patience=5m", "repair=%zz", "repair=maybe", "repair", "repair=", "repiar=true", "repair=true&repair=true",
		"patience=5m&patience=6m", "patience=long", "patience=-1s", "patience=61m", "patience=",
	} {
		if order, err := parseAuditOrder(query); err == nil {
			t.Errorf("%q is read as %+v", query, order)
		}
	}
}
