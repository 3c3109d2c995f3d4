package main

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

// certificates reads the certificate that the flags name, nil for none.
func (s *serveCommand) certificates(log *slog.Logger) (*certificateFiles, error) {
	if s.TLSCert == "" {
		return nil, nil
	}
	files := &certificateFiles{certificate: s.TLSCert, key: s.TLSKey, log: log}
	if err := files.load(); err != nil {
		return nil, misused("--tls-cert, IDENTITY_TLS_CERT and --tls-key, IDENTITY_TLS_KEY: %s", err)
	}
	return files, nil
}

// secure sets the server up for HTTPS if there is a certificate, and warns if
// anybody could listen in.
func (s *service) secure(server *http.Server, address net.Addr) (encrypted bool) {
	if s.certificates == nil {
		if !loopback(address) {
			s.log.Warn("listening beyond this machine without TLS: keys and personal data can be read on the way; --tls-cert and --tls-key mend that", "address", address.String())
		}
		return false
	}
	server.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: s.certificates.get}
	return true
}

// lookEvery is how often the files are looked at, at most: once a handshake.
const lookEvery = time.Second

// certificateFiles are a certificate and its key, read again when they change. It
// may be used concurrently.
type certificateFiles struct {
	certificate, key string
	log              *slog.Logger

	mu      sync.Mutex
	loaded  *tls.Certificate
	looked  time.Time
	changed [2]time.Time
}

func (f *certificateFiles) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if time.Since(f.looked) < lookEvery {
		return f.loaded, nil
	}
	f.looked = time.Now()
	if changed, err := f.times(); err == nil && changed != f.changed {
		if err := f.read(changed); err != nil {
			f.log.Warn("the certificate changed and cannot be used; the old one stays", "error", err)
		} else {
			f.log.Info("the certificate was read again")
		}
	}
	return f.loaded, nil
}

// load reads the files for the first time.
func (f *certificateFiles) load() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	changed, err := f.times()
	if err != nil {
		return err
	}
	f.looked = time.Now()
	return f.read(changed)
}

func (f *certificateFiles) times() (changed [2]time.Time, err error) {
	for i, name := range []string{f.certificate, f.key} {
		info, err := os.Stat(name)
		if err != nil {
			return changed, err
		}
		changed[i] = info.ModTime()
	}
	return changed, nil
}

// read reads the files; what was read before stays if they do not fit, and is
// tried again when they change once more.
func (f *certificateFiles) read(changed [2]time.Time) error {
	f.changed = changed
	pair, err := tls.LoadX509KeyPair(f.certificate, f.key)
	if err != nil {
		return fmt.Errorf("%s and %s: %w", f.certificate, f.key, err)
	}
	f.loaded = &pair
	return nil
}
