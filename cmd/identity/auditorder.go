package main

import (
	"errors"
	"fmt"
	neturl "net/url"
	"strconv"
	"time"
)

// auditOrder is what an audit is asked for, as the query of verifyPath.
type auditOrder struct {
	// repair asks for repairs besides.
	repair bool
	// patience is audit.Options.Patience.
	patience time.Duration
}

// query leaves out what is not asked for.
func (o auditOrder) query() string {
	query := neturl.Values{}
	if o.repair {
		query.Set(repairName, "true")
	}
	if o.patience > 0 {
		query.Set(patienceName, o.patience.String())
	}
	return query.Encode()
}

// The names of an order's parameters.
const (
	repairName   = "repair"
	patienceName = "patience"
)

// mostPatience bounds how long an audit may wait for what differs to come right.
const mostPatience = time.Hour

var errPatience = fmt.Errorf("patience: a time up to %v, or 0 for what is usual", mostPatience)

func (o auditOrder) check() error {
	if o.patience < 0 || o.patience > mostPatience {
		return errPatience
	}
	return nil
}

func parseAuditOrder(text string) (o auditOrder, err error) {
	query, err := neturl.ParseQuery(text)
	if err != nil {
		return o, errors.New("the query cannot be read")
	}
	for name, values := range query {
		switch {
		case len(values) > 1:
			return o, fmt.Errorf("%q: more than once", name)
		case name == repairName:
			if o.repair, err = strconv.ParseBool(values[0]); err != nil {
				return o, errors.New("repair: true or false")
			}
		case name == patienceName:
			if o.patience, err = time.ParseDuration(values[0]); err != nil {
				return o, errPatience
			}
		default:
			return o, fmt.Errorf("%q: there is no such parameter", name)
		}
	}
	return o, o.check()
}
