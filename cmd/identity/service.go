package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
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
	engine   engine
	streams  *httpapi.Streams
	draining atomic.Bool
	// address is where it listens, once it does.
	address string
	// replication is how another store is followed; nil if none is.
	replication *replication
	// promotion is what came of the one that the process has behind it.
	promotion *httpapi.Promotion
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

// serve opens the engine, listens, and returns when it has drained.
func (s *service) serve(ctx, background context.Context, group *errgroup.Group) error {
	began := time.Now()
	if err := s.open(ctx); err != nil {
		if errors.Is(context.Cause(ctx), errStopped) {
			return nil // nothing was served yet
		}
		return err
	}
	if err := s.checkFollowing(); err != nil {
		return err
	}
	group.Go(func() error { return s.engine.run(background) })
	group.Go(func() error { return s.engine.base().closure.Run(background) })
	s.awaitSearch(ctx)
	opened := time.Now()
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", s.flags.Listen)
	if err != nil {
		return fmt.Errorf("--listen %s: %w", s.flags.Listen, err)
	}
	s.address = listener.Addr().String()
	listener = deadline.Listener(listener)
	kept := newKeeper(s.engine, s.replication, s.promotion)
	group.Go(func() error { return kept.closing.run(background) })
	handler, err := s.handler(listener.Addr(), kept)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	server := httpapi.NewServer(handler, s.log)
	encrypted := s.secure(server, listener.Addr())
	defer s.engine.announce(url(listener.Addr(), encrypted), s.flags.TLSCert)()
	if s.replication != nil {
		group.Go(func() error { return s.replication.run(background) })
	}
	served := make(chan error, 1)
	go func() {
		if encrypted {
			served <- server.ServeTLS(listener, "", "")
		} else {
			served <- server.Serve(listener)
		}
	}()
	s.log.Info("ready", "address", listener.Addr().String(), "url", url(listener.Addr(), encrypted),
		"store", s.flags.Store, "opened", opened.Sub(began).Round(time.Millisecond).String())
	return s.untilDrained(ctx, background, server, served)
}

// awaitSearch waits, for a while, until the index shows what the view does, so
// that a restart is not seen in it.
func (s *service) awaitSearch(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, indexTime)
	defer cancel()
	if err := s.engine.settle(ctx); err != nil {
		s.log.Warn("the search index is not complete yet", "error", err)
	}
}

// open opens the engine. The process that had it before may be about to end, so
// a data directory that is in use is tried again for a moment.
func (s *service) open(ctx context.Context) error {
	quarantine := s.flags.Quarantine
	patience := time.Now().Add(lockPatience)
	for {
		s.registry = prometheus.NewRegistry()
		opened, err := s.flags.open(ctx, settings{
			log: s.log, registry: s.registry, tracing: s.tracing.provider(), quarantine: &quarantine,
			fatal:    func(err error) { s.died <- err },
			progress: logProgress(s.log, "catching up with the log"),
		})
		if err == nil {
			s.engine = opened
			return nil
		}
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
func (s *service) handler(address net.Addr, kept *keeper) (http.Handler, error) {
	key, err := s.engine.adminKey()
	if err != nil {
		return nil, err
	}
	s.adminKeys = append(s.adminKeys, hashes(key)...)
	core := s.engine.base()
	if core.directory.Closed {
		s.log.Warn("the store is closed: another one has taken over; it can be read, and writes are refused")
	}
	s.streams = httpapi.NewStreams()
	registerClosure(s.registry, core.closure)
	config := httpapi.Config{
		Commands: core.commands, Queries: core.reader, Epoch: core.directory.Epoch,
		Views: s.engine.views(), AdminKeys: s.adminKeys, Logger: s.log, Registry: s.registry, PublicMetrics: loopback(address),
		TracerProvider: s.tracing.provider(), Streams: s.streams, Ready: s.readiness, Version: version(), Parking: core.parking,
		Events: core.events, Keeper: kept,
	}
	if s.flags.AccessLog {
		config.AccessLog = s.access.tell
	}
	if s.flags.RateLimit > 0 {
		config.RateLimit = httpapi.RateLimit{Requests: s.flags.RateLimit, Window: time.Second}
	}
	if core.ownOrder() {
		config.Events = nil // its places would be taken for those of the followed store
	}
	api, err := httpapi.New(config)
	if s.replication != nil {
		api = tellLag(s.replication.lag, api)
	}
	return &operations{api: api, engine: s.engine, adminKeys: s.adminKeys}, err
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
	s.streams.End()
	if err := errors.Join(server.Shutdown(bounded), s.streams.Wait(bounded)); err != nil {
		s.log.Warn("requests were cut off", "error", err)
		return server.Close()
	}
	return nil
}

// close ends the engine; after a failure of its nothing is written any more.
func (s *service) close(failure error) error {
	if s.engine == nil {
		return s.tracing.close()
	}
	if failure == nil {
		if err := s.engine.snapshot(); err != nil {
			s.log.Warn("no snapshot was written; the next start takes longer", "error", err)
		}
	}
	err := errors.Join(s.engine.close(), s.tracing.close())
	if failure == nil && err == nil {
		s.log.Info("stopped")
	}
	return err
}
