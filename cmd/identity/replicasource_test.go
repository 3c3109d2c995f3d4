package main

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed5b6a70b4/identity/sync/replica"
)

// mute answers nothing.
type mute struct{}

func (mute) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, context.Cause(r.Context())
}

// A service that does not answer when it is to be closed is given up soon: it may be
// lost, and until then nobody can say so.
func TestAServiceThatDoesNotAnswerIsNotClosedForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := replicaSource{&client{url: "http://identity.invalid", http: &http.Client{Transport: mute{}}}}
		began := time.Now()
		if err := source.Close(t.Context()); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != silence {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
	})
}

// A service that does not know the place that was noted is another one, and everybody
// is told so; of other refusals, the status.
func TestAPlaceOfAnotherLifeIsAStrangers(t *testing.T) {
	for code, says := range map[string]string{
		"foreign_token":    errStranger.Error(),
		"unknown_position": errStranger.Error(),
		"malformed_token":  "the followed service refuses: 400 Bad Request",
	} {
		err := refusal(&problem{Status: http.StatusBadRequest, Code: code, Detail: "its own words"})
		if shown := failing(err); shown != says || !errors.Is(err, replica.ErrRefused) {
			t.Errorf("of %v it shows %q", err, shown)
		}
	}
}
