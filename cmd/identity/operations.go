package main

import (
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed5b6a70b4/identity/httpapi"
	"github.com/seed5b6a70b4/identity/internal/audit"
)

// verifyPath is where a running service is asked to audit itself. It is no part
// of the API: it is for `identity verify` of the same build, with an admin key.
const verifyPath = "/operations/verify"

// alwaysAnswered is what rests on no view.
var alwaysAnswered = []string{"/livez", "/readyz", "/metrics", "/openapi.json", "/docs"}

// operations answers verifyPath and leaves everything else to the API.
type operations struct {
	api       http.Handler
	engine    engine
	adminKeys []httpapi.KeyHash
	auditing  sync.Mutex
}

// ServeHTTP implements http.Handler.
func (o *operations) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != verifyPath {
		if err := o.engine.answerable(); err != nil && !slices.Contains(alwaysAnswered, r.URL.Path) {
			w.Header().Set("X-Request-Id", httpapi.RequestID(r))
			w.Header().Set("Retry-After", "1")
			refuse(w, http.StatusServiceUnavailable, "unavailable", "it is not known what may be answered")
			return
		}
		o.api.ServeHTTP(w, r)
		return
	}
	w.Header().Set("X-Request-Id", httpapi.RequestID(r))
	order, err := parseAuditOrder(r.URL.RawQuery)
	switch {
	case !o.allowed(r):
		w.Header().Set("WWW-Authenticate", "Bearer")
		refuse(w, http.StatusUnauthorized, "unauthorized", "the admin key is needed")
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		refuse(w, http.StatusMethodNotAllowed, "method_not_allowed", "an audit is begun with POST")
	case err != nil:
		refuse(w, http.StatusUnprocessableEntity, "invalid", err.Error())
	case !o.auditing.TryLock():
		refuse(w, http.StatusConflict, "busy", "an audit is under way")
	default:
		defer o.auditing.Unlock()
		o.verify(w, r, order)
	}
}

func (o *operations) allowed(r *http.Request) bool {
	key, found := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	sum := httpapi.HashKey(key)
	same := 0
	for i := range o.adminKeys {
		same |= subtle.ConstantTimeCompare(sum[:], o.adminKeys[i][:])
	}
	return found && same == 1
}

func refuse(w http.ResponseWriter, status int, code, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail, Code: code})
}

// verify streams an audit, a line of JSON for each finding and now and then one
// for the progress, and the report at last.
func (o *operations) verify(w http.ResponseWriter, r *http.Request, order auditOrder) {
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Time{})
	_ = control.SetWriteDeadline(time.Time{})
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.Header().Set("Cache-Control", "no-store")
	var mu sync.Mutex
	var told time.Time
	out := json.NewEncoder(w)
	write := func(line auditLine) {
		mu.Lock()
		defer mu.Unlock()
		if line.Stage != "" && time.Since(told) < time.Second && line.Done < line.Total {
			return
		}
		told = time.Now()
		_ = out.Encode(line)
		_ = control.Flush()
	}
	report, err := auditAndRepair(r.Context(), o.engine, audit.Options{
		Patience: order.patience,
		Found:    func(f audit.Finding) { write(auditLine{Finding: &f}) },
		Progress: func(stage string, done, total uint64) { write(auditLine{Stage: stage, Done: done, Total: total}) },
	}, order.repair)
	if err != nil {
		write(auditLine{Error: "the audit could not be made: " + err.Error()})
		return
	}
	write(auditLine{Report: &report})
}
