package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	neturl "net/url"
	"time"

	"github.com/seed5b6a70b4/identity/httpapi"
	"github.com/seed5b6a70b4/identity/sync/replica"
)

// replicaSource is the followed service.
type replicaSource struct{ to *client }

var _ replica.Source = replicaSource{}

// Events implements replica.Source.
func (s replicaSource) Events(ctx context.Context, after string, endless bool) (io.ReadCloser, error) {
	query := neturl.Values{}
	if after != "" {
		query.Set("after", after)
	}
	if endless {
		query.Set("wait", "30s")
	}
	if err := s.original(ctx); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	answer, err := s.to.stream(ctx, "/events?"+query.Encode()) //nolint:bodyclose // watched closes it
	if err != nil {
		cancel()
		return nil, refusal(err)
	}
	body := &watched{from: answer.Body, cancel: cancel}
	body.silent = time.AfterFunc(silence, cancel)
	return body, nil
}

// original refuses to follow what follows another one: a copy of it could not tell
// that it had taken over.
func (s replicaSource) original(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, silence)
	defer cancel()
	var standing httpapi.Standing
	if _, err := s.to.do(ctx, http.MethodGet, "/store", nil, &standing); err != nil {
		return refusal(err)
	}
	if standing.Role == httpapi.ReplicaRole || standing.Role == httpapi.PromotingRole {
		return fmt.Errorf("%w: it follows another one, and only that one can be followed", replica.ErrRefused)
	}
	return nil
}

// silence is how long a followed service that lives is never still: it tells more
// often that there is nothing.
const silence = 45 * time.Second

// watched is an answer that is given up when it falls silent.
type watched struct {
	from   io.ReadCloser
	silent *time.Timer
	cancel context.CancelFunc
}

func (w *watched) Read(into []byte) (int, error) {
	n, err := w.from.Read(into)
	w.silent.Reset(silence)
	return n, err
}

func (w *watched) Close() error {
	w.silent.Stop()
	w.cancel()
	return w.from.Close()
}

// closePause is how long after an answer that asks for it the next attempt is made.
const closePause = time.Second

// Close implements replica.Source.
func (s replicaSource) Close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, closeTime)
	defer cancel()
	for {
		err := s.closeOnce(ctx)
		var refused *problem
		passes := errors.As(err, &refused) && refused.Status == http.StatusServiceUnavailable
		if !passes || refused.Code == "replica" || refused.Code == "parked" {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(closePause):
		}
	}
}

// closeOnce asks once; a service that lives answers long before it is given up.
func (s replicaSource) closeOnce(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, silence)
	defer cancel()
	_, err := s.to.do(ctx, http.MethodPost, "/store:close", nil, nil)
	return err
}

// closeTime bounds the closing of the followed store, which goes over whatever it may
// not have announced.
const closeTime = 10 * time.Minute

// refusal tells what somebody has to mend from faults that pass.
func refusal(err error) error {
	var refused *problem
	if errors.As(err, &refused) && refused.Status < http.StatusInternalServerError && refused.Status != http.StatusTooManyRequests {
		return fmt.Errorf("%w: %w", replica.ErrRefused, err)
	}
	return err
}
