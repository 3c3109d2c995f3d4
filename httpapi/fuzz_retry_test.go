package httpapi_test

import (
	"net/http"
	"strings"
	"testing"
)

// FuzzRetry sends bodies as orders to try a parked stream again: they are done or
// refused, never a fault.
func FuzzRetry(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"view":"rows","stream":"user/x"}`, `{"view":null,"stream":7}`, `{"view":"rows","stream":""}`, `{"view":"rows","stream":"x","more":1}`, `[]`, ``, `{"view":"`,
		`{"view":"rows","stream":"` + strings.Repeat("x", 300) + `"}`,
	} {
		f.Add([]byte(seed))
	}
	handler := newDirectory(f, wiring{noSearch: true}).handler(f, nil)
	f.Fuzz(func(t *testing.T, body []byte) {
		answer := ask(handler, "POST", "/parked:retry", string(body), "Content-Type", "application/json")
		switch answer.Code {
		case http.StatusNoContent, http.StatusNotFound, http.StatusBadRequest, http.StatusServiceUnavailable:
		case http.StatusUnprocessableEntity:
			checkPointers(t, answer.Body.Bytes())
		default:
			t.Errorf("status %d: %s", answer.Code, answer.Body)
		}
	})
}
