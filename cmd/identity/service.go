package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/seed5b6a70b4/identity/eventstream/logstore"
	"github.com/seed5b6a70b4/identity/httpapi"
	"github.com/seed5b6a70b4/identity/internal/deadline"
)

// drainTime bounds how long requests under way may take after the signal: a
// little longer than one may work.
const drainTime = 20 * time.Second

// lockPatience is how long the start waits for another process to let go of the
// data directory, lockPause how often it looks.
const (
	lockPatience = 3 * time.Second
	lockPause    = 50 * time.Millisecond
)

// indexTime bounds how long the start waits for the search index.
const indexTime = 10 * time.Second

// service is one run of serve.
type service struct {
	flags     *serveCommand
	lines     *lines
	log       *slog.Logger
	access    *accessLog
	tracing   *tracing
	adminKeys []httpapi.KeyHash
	// certificates are nil where plain HTTP is served.
	certificates *certificateFiles

	registry *prometheus.Registry
	backends *backends
	draining atomic.Bool
	// died is told when the store's memory can no longer be relied on.
	died chan error
}

// run serves until ctx ends, then drains. It fails if it could not serve, or
// could not go on.
func (s *service) run(ctx context.Context) error {
	defer func() { _ = s.lines.Flush() }()
	s.died = make(chan error, 1)
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	group, background := errgroup.WithContext(background)
	group.Go(func() error { return s.lines.run(background) })
	group.Go(func() error { return tuneCollector(background) })
	err := s.serve(ctx, background, group)
	stop()
	err = errors.Join(err, group.Wait())
	return errors.Join(err, s.close(err))
}

// serve opens the backends, listens, and returns when it has drained.
func (s *service) serve(ctx, background context.Context, group *errgroup.Group) error {
	began := time.Now()
	if err := s.open(ctx); err != nil {
		if errors.Is(context.Cause(ctx), errStopped) {
			return nil // nothing was served yet
		}
		return err
	}
	if s.backends.data.open() {
		s.log.Warn("others than the owner may look into the data directory", "data", s.backends.data.path)
	}
	group.Go(func() error { return s.backends.run(background) })
	s.awaitSearch(ctx)
	opened := time.Now()
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", s.flags.Listen)
	if err != nil {
		return fmt.Errorf("--listen %s: %w", s.flags.Listen, err)
	}
	listener = deadline.Listener(listener)
	handler, err := s.handler(listener.Addr())
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	server := httpapi.NewServer(handler, s.log)
	encrypted := s.secure(server, listener.Addr())
	defer s.announce(url(listener.Addr(), encrypted))()
	served := make(chan error, 1)
	go func() {
		if encrypted {
			served <- server.ServeTLS(listener, "", "")
		} else {
			served <- server.Serve(listener)
		}
	}()
	s.log.Info("ready", "address", listener.Addr().String(), "url", url(listener.Addr(), encrypted),
		"position", s.backends.store.End(), "opened", opened.Sub(began).Round(time.Millisecond).String())
	return s.untilDrained(ctx, background, server, served)
}

// announce writes down where other commands find this process, and gives what
// takes it back. A full disk is no reason not to serve what is there.
func (s *service) announce(url string) (takeBack func()) {
	data := s.backends.data
	takeBack = func() { _ = os.Remove(data.file(addressFile)) }
	if err := data.announce(url, s.flags.TLSCert); err != nil {
		takeBack() // it may tell of an earlier process
		s.log.Warn(addressFile+" was not written; other commands need --url", "error", err)
	}
	return takeBack
}

// awaitSearch waits, for a while, until the index shows what the view does, so
// that a restart is not seen in it.
func (s *service) awaitSearch(ctx context.Context) {
	if s.backends.search == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, indexTime)
	defer cancel()
	if err := s.backends.search.forwarder.Flush(ctx); err != nil {
		s.log.Warn("the search index is not complete yet", "error", err)
	}
}

// open opens the backends. The process that had them before may be about to end,
// so a data directory that is in use is tried again for a moment.
func (s *service) open(ctx context.Context) (err error) {
	quarantine := s.flags.Quarantine
	patience := time.Now().Add(lockPatience)
	for {
		s.registry = prometheus.NewRegistry()
		s.backends, err = openBackends(ctx, s.flags.Data, settings{
			log: s.log, registry: s.registry, tracing: s.tracing.provider(), quarantine: &quarantine, noSearch: s.flags.Search == "none",
			fatal:    func(err error) { s.died <- err },
			progress: logProgress(s.log, "catching up with the log"),
		})
		if !errors.Is(err, logstore.ErrLocked) || time.Now().After(patience) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(lockPause):
		}
	}
}

// handler makes what answers requests that come to an address.
func (s *service) handler(address net.Addr) (http.Handler, error) {
	key, err := s.backends.data.adminKey()
	if err != nil {
		return nil, err
	}
	s.adminKeys = append(s.adminKeys, hashes(key)...)
	config := httpapi.Config{
		Commands: s.backends.commands, Queries: s.backends.reader, Epoch: s.backends.directory.Epoch,
		AdminKeys: s.adminKeys, Logger: s.log, Registry: s.registry, PublicMetrics: loopback(address),
		TracerProvider: s.tracing.provider(), Ready: s.readiness, Version: version(),
	}
	if s.flags.AccessLog {
		config.AccessLog = s.access.tell
	}
	if s.flags.RateLimit > 0 {
		config.RateLimit = httpapi.RateLimit{Requests: s.flags.RateLimit, Window: time.Second}
	}
	api, err := httpapi.New(config)
	return &operations{api: api, backends: s.backends, adminKeys: s.adminKeys}, err
}

// untilDrained waits for the signal, or for what makes going on impossible, and
// lets requests under way finish.
func (s *service) untilDrained(ctx, background context.Context, server *http.Server, served <-chan error) error {
	select {
	case err := <-served:
		return fmt.Errorf("serve: %w", err)
	case err := <-s.died:
		return errors.Join(err, server.Close())
	case <-background.Done():
		return errors.Join(context.Cause(background), server.Close())
	case <-ctx.Done():
	}
	s.draining.Store(true)
	s.log.Info("draining")
	bounded, cancel := context.WithTimeout(background, s.flags.DrainDelay+drainTime)
	defer cancel()
	select {
	case <-time.After(s.flags.DrainDelay):
	case err := <-s.died:
		return errors.Join(err, server.Close())
	}
	if err := server.Shutdown(bounded); err != nil {
		s.log.Warn("requests were cut off", "error", err)
		return server.Close()
	}
	return nil
}

// close ends the backends; after a failure of theirs nothing is written any more.
func (s *service) close(failure error) error {
	if s.backends == nil {
		return s.tracing.close()
	}
	if failure == nil {
		s.backends.trySnapshot()
	}
	err := errors.Join(s.backends.close(), s.tracing.close())
	if failure == nil && err == nil {
		s.log.Info("stopped")
	}
	return err
}
