package testservers

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestWhatAMachineLacksIsSaidInOneLine(t *testing.T) {
	lacking := &server{name: "lacking", tools: []string{"go", "no-such-tool", "nor-this"}}
	_, err := lacking.share()
	if err == nil || !strings.HasSuffix(err.Error(), "no no-such-tool, no nor-this") || strings.Contains(err.Error(), "\n") {
		t.Errorf("it says %v", err)
	}
}

// A server that is busy is asked again, and one that is gone is not.
func TestAServerThatRunsMayBeBusy(t *testing.T) {
	asked := 0
	busy := &server{ready: func(url string) bool {
		asked++
		status, _ := answers(url)
		return isOK(status)
	}}
	left := 3
	there := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if left--; left >= 0 {
			w.WriteHeader(http.StatusRequestTimeout)
		}
	}))
	if !busy.runs(there.URL) || asked != 4 {
		t.Errorf("it is said not to run, or was asked %d times", asked)
	}
	there.Close()
	if busy.runs(there.URL) || asked != 5 {
		t.Errorf("what is gone is said to run, or was asked %d times", asked-4)
	}
}

// watched is a test that does not end the goroutine that asks for a server.
type watched struct {
	testing.TB
	skipped, failed bool
}

func (w *watched) Helper()               {}
func (w *watched) Skipf(string, ...any)  { w.skipped = true }
func (w *watched) Fatalf(string, ...any) { w.failed = true }

func TestWhatIsMissingSkipsExceptInCI(t *testing.T) {
	for _, ci := range []string{"", "true"} {
		t.Setenv("CI", ci)
		lacking := &server{name: "lacking", tools: []string{"no-such-tool"}}
		w := &watched{TB: t}
		lacking.url(w)
		if w.failed != (ci == "true") || w.skipped == w.failed {
			t.Errorf("CI=%s: skipped %t, failed %t", ci, w.skipped, w.failed)
		}
	}
}
