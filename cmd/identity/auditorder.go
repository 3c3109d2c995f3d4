package main

import (
	"cmp"
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

func (o auditOrder) query() string {
	return neturl.Values{"repair": {strconv.FormatBool(o.repair)}, "patience": {o.patience.String()}}.Encode()
}

// mostPatience bounds how long an audit may wait for what differs to come right.
const mostPatience = time.Hour

var errPatience = fmt.Errorf("--patience: from 0 to %v", mostPatience)

func (o auditOrder) check() error {
	if o.patience < 0 || o.patience > mostPatience {
		return errPatience
	}
	return nil
}

func parseAuditOrder(query neturl.Values) (o auditOrder, err error) {
	if o.repair, err = strconv.ParseBool(cmp.Or(query.Get("repair"), "false")); err != nil {
		return o, errors.New("repair: true or false")
	}
	if o.patience, err = time.ParseDuration(cmp.Or(query.Get("patience"), "0")); err != nil {
		return o, errPatience
	}
	return o, o.check()
}
