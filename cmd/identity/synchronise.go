package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/sync/errgroup"
)

// syncCommand keeps the views up to date for those who serve with --feed none.
type syncCommand struct {
	dataFlags   `embed:""`
	followFlags `embed:""`
	sweepFlags  `embed:""`
	workerFlags `embed:""`
}

// workerFlags are those of processes that serve nobody but operators.
type workerFlags struct {
	Listen    string `env:"IDENTITY_LISTEN" placeholder:"HOST:PORT" help:"Where to answer /livez, /readyz and /metrics; nowhere by default."`
	LogFormat string `env:"IDENTITY_LOG_FORMAT" default:"text" placeholder:"NAME" help:"Form of the log: text (default) or json."`
}

func (f *workerFlags) check() error {
	if f.Listen != "" {
		if err := checkAddress("--listen, IDENTITY_LISTEN", f.Listen); err != nil {
			return err
		}
	}
	return oneOf("--log-format, IDENTITY_LOG_FORMAT", f.LogFormat, "text", "json")
}

// Run follows the streams until a signal. Where the Lambda runtime started it, it
// does so as the events tell that it hands out.
func (s *syncCommand) Run(c *console) error {
	if err := errors.Join(s.dataFlags.check(), s.sweepFlags.check(), s.workerFlags.check()); err != nil {
		return err
	}
	if s.Store != dynamoStore {
		return misused("--store, IDENTITY_STORE: only --store dynamodb needs a synchroniser of its own; serve does that for the embedded one")
	}
	if err := s.fill(s.Store); err != nil {
		return err
	}
	if inLambda() {
		return s.answerLambda(c)
	}
	if s.Feed == noFeed {
		return misused("--feed, IDENTITY_FEED: a synchroniser needs one: %s or %s", streamsFeed, kinesisFeed)
	}
	return s.work(c, func(ctx context.Context, set settings) (worker, error) {
		set.sweepEvery = s.SweepEvery
		return openCloud(ctx, s.TablePrefix, s.followFlags, set)
	})
}

// worker is what runs until it is told to end.
type worker interface {
	run(ctx context.Context) error
	close() error
}

// work runs a worker, and answers operators meanwhile.
func (f *workerFlags) work(c *console, open func(context.Context, settings) (worker, error)) error {
	lines, log, _ := newLogs(c.err, f.LogFormat)
	defer func() { _ = lines.Flush() }()
	registry := prometheus.NewRegistry()
	w, err := open(c.ctx, settings{log: log, registry: registry})
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(c.ctx)
	if f.Listen != "" {
		listener, err := new(net.ListenConfig).Listen(ctx, "tcp", f.Listen)
		if err != nil {
			return errors.Join(fmt.Errorf("--listen %s: %w", f.Listen, err), w.close())
		}
		group.Go(func() error { return answerOperators(ctx, listener, registry) })
		log.Info("ready", "address", listener.Addr().String(), "url", url(listener.Addr(), false))
	} else {
		log.Info("ready")
	}
	group.Go(func() error { return lines.run(ctx) })
	group.Go(func() error { return w.run(ctx) })
	err = group.Wait()
	if c.ctx.Err() != nil {
		err = nil
		log.Info("stopped")
	}
	return errors.Join(err, w.close())
}

// answerOperators tells those who run a worker how it is doing, until ctx ends.
func answerOperators(ctx context.Context, listener net.Listener, registry *prometheus.Registry) error {
	mux := http.NewServeMux()
	for _, path := range []string{"GET /livez", "GET /readyz"} {
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(`{"status":"ready"}`))
		})
	}
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return fmt.Errorf("answer operators: %w", err)
	case <-ctx.Done():
	}
	err := server.Close()
	if ended := <-served; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	return err
}
