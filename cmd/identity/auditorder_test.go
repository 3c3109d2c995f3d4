package main

import (
	neturl "net/url"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// What the command asks a service for is what the service reads.
func TestAnAuditIsDoneAsItIsOrdered(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		order := auditOrder{rapid.Bool().Draw(t, "repair"), time.Duration(rapid.Int64Range(0, int64(mostPatience)).Draw(t, "patience"))}
		query, err := neturl.ParseQuery(order.query())
		if err != nil {
			t.Fatal(err)
		}
		if read, err := parseAuditOrder(query); err != nil || read != order {
			t.Fatalf("%+v is read as %+v, %v", order, read, err)
		}
	})
}
