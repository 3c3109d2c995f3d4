package main

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
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
