package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/seed5b6a70b4/identity/httpapi"
)

// serveCommand is the service and its settings.
type serveCommand struct {
	dataFlags   `embed:""`
	followFlags `embed:""`
	sweepFlags  `embed:""`
	Listen      string        `env:"IDENTITY_LISTEN" default:"127.0.0.1:8080" placeholder:"HOST:PORT" help:"Where to listen; port 0 picks one. Default 127.0.0.1:8080."`
	TLSCert     string        `name:"tls-cert" env:"IDENTITY_TLS_CERT" placeholder:"FILE" help:"Certificate chain in PEM; serves HTTPS, and is read again when it changes."`
	TLSKey      string        `name:"tls-key" env:"IDENTITY_TLS_KEY" placeholder:"FILE" help:"The certificate's key in PEM."`
	Quarantine  time.Duration `env:"IDENTITY_QUARANTINE" default:"720h" placeholder:"TIME" help:"How long a released username, e-mail, external id or group name is kept from others. Default 720h, 30 days."`
	RateLimit   int           `env:"IDENTITY_RATE_LIMIT" default:"0" placeholder:"N" help:"Requests that one key may make in a second; 0, the default, is no limit."`
	AccessLog   bool          `env:"IDENTITY_ACCESS_LOG" default:"true" negatable:"" help:"Log a line for each request, without personal data. On by default."`
	LogFormat   string        `env:"IDENTITY_LOG_FORMAT" default:"text" placeholder:"NAME" help:"Form of the log: text (default) or json."`
	DrainDelay  time.Duration `env:"IDENTITY_DRAIN_DELAY" default:"500ms" placeholder:"TIME" help:"How long requests are still taken after SIGTERM, with /readyz answering 503; an hour at most. Default 500ms."`
}

// longestDrainDelay is more than any balancer needs to see that it is not to send more.
const longestDrainDelay = time.Hour

// check refuses settings that cannot be served with.
func (s *serveCommand) check() error {
	if err := errors.Join(s.dataFlags.check(), s.sweepFlags.check()); err != nil {
		return err
	}
	if err := checkAddress("--listen, IDENTITY_LISTEN", s.Listen); err != nil {
		return err
	}
	if err := s.fill(s.Store); err != nil {
		return err
	}
	if err := oneOf("--log-format, IDENTITY_LOG_FORMAT", s.LogFormat, "text", "json"); err != nil {
		return err
	}
	switch {
	case (s.TLSCert == "") != (s.TLSKey == ""):
		return misused("--tls-cert, IDENTITY_TLS_CERT and --tls-key, IDENTITY_TLS_KEY: both are needed, or neither")
	case s.Quarantine < 0:
		return misused("--quarantine, IDENTITY_QUARANTINE: %s is less than nothing", s.Quarantine)
	case s.RateLimit < 0:
		return misused("--rate-limit, IDENTITY_RATE_LIMIT: %d is less than nothing", s.RateLimit)
	case s.DrainDelay < 0:
		return misused("--drain-delay, IDENTITY_DRAIN_DELAY: %s is less than nothing", s.DrainDelay)
	case s.DrainDelay > longestDrainDelay:
		return misused("--drain-delay, IDENTITY_DRAIN_DELAY: %s is more than %s", s.DrainDelay, longestDrainDelay)
	}
	return nil
}

// Run serves until a signal.
func (s *serveCommand) Run(c *console) error {
	if err := s.check(); err != nil {
		return err
	}
	service, err := s.service(c)
	if err != nil {
		return err
	}
	return service.run(c.ctx)
}

// service makes one run of the service.
func (s *serveCommand) service(c *console) (*service, error) {
	environmentKey, err := adminKeyOfEnvironment()
	if err != nil {
		return nil, err
	}
	tracing, err := newTracing(c.ctx)
	if err != nil {
		return nil, err
	}
	service := &service{flags: s, tracing: tracing, adminKeys: hashes(environmentKey)}
	service.lines, service.log, service.access = newLogs(c.err, s.LogFormat)
	if service.certificates, err = s.certificates(service.log); err != nil {
		return nil, err
	}
	return service, nil
}

// open opens the engine that the flags name.
func (s *serveCommand) open(ctx context.Context, set settings) (engine, error) {
	set.noSearch, set.sweepEvery = s.Search == noSearch, s.SweepEvery
	return s.dataFlags.open(ctx, s.followFlags, set)
}

func hashes(keys ...string) []httpapi.KeyHash {
	var made []httpapi.KeyHash
	for _, key := range keys {
		if key != "" {
			made = append(made, httpapi.HashKey(key))
		}
	}
	return made
}

// loopback tells whether only this machine can reach the address.
func loopback(address net.Addr) bool {
	tcp, is := address.(*net.TCPAddr)
	return is && tcp.IP.IsLoopback()
}

// url is where a client on this machine reaches the address.
func url(address net.Addr, encrypted bool) string {
	scheme := "http"
	if encrypted {
		scheme = "https"
	}
	host, port, _ := net.SplitHostPort(address.String())
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return fmt.Sprintf("%s://%s", scheme, net.JoinHostPort(host, port))
}
