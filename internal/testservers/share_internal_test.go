package testservers

import (
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
