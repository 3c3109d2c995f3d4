package main

import (
	"context"

	"github.com/seed5b6a70b4/identity/httpapi"
)

// readiness tells whether requests should be sent here, and how each view does.
// A store that refuses writes for now still answers reads: it is ready.
func (s *service) readiness(context.Context) httpapi.Readiness {
	r := httpapi.Readiness{Ready: true}
	for _, lag := range s.backends.synchroniser.Lags() {
		r.Views = append(r.Views, httpapi.ViewStatus{Name: lag.View, Behind: lag.Positions})
	}
	if s.draining.Load() {
		r.Ready, r.Reason = false, "draining"
	}
	return r
}
