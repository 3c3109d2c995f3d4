package httpapi_test

import (
	"testing"
	"time"

	"github.com/seed5b6a70b4/identity/httpapi"
)

func TestWait(t *testing.T) {
	for _, test := range []struct {
		lines []string
		want  time.Duration
	}{
		{nil, 0},
		{[]string{""}, 0},
		{[]string{"wait=3"}, 3 * time.Second},
		{[]string{"respond-async", "Wait = \"2\" ; x=y"}, 2 * time.Second},
		{[]string{"wait=5, wait=1"}, 5 * time.Second},
		{[]string{"wait=60"}, 5 * time.Second},
		{[]string{"wait=0"}, time.Nanosecond},
		{[]string{"wait=-1"}, 0},
		{[]string{"wait=1.5"}, 0},
		{[]string{"wait=99999999999999999999"}, 0},
		{[]string{"waiting=3"}, 0},
		{[]string{"wait"}, 0},
	} {
		if got := httpapi.ParseWait(test.lines); got != test.want {
			t.Errorf("Prefer %q: %v, want %v", test.lines, got, test.want)
		}
	}
}
