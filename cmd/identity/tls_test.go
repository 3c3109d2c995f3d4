package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// writeCertificate makes a certificate for nobody in particular, and gives its
// files.
func writeCertificate(t *testing.T, dir string, serial int64) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "directory"}, DNSNames: []string{"directory.example"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	public, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	certificate, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for file, block := range map[string]*pem.Block{certificate: {Type: "CERTIFICATE", Bytes: public}, key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
		// File systems may not tell two writes of one moment apart.
		if err := os.Chtimes(file, time.Time{}, time.Unix(1_700_000_000+serial, 0)); err != nil {
			t.Fatal(err)
		}
	}
	return certificate, key
}

// HTTPS is served, commands trust the very certificate that it shows, and plain
// HTTP is refused.
func TestServesHTTPS(t *testing.T) {
	dir := t.TempDir()
	certificate, key := writeCertificate(t, dir, 1)
	p := mustStart(t, dir, "--tls-cert", certificate, "--tls-key", key)
	if !strings.HasPrefix(p.url, "https://") {
		t.Errorf("it serves %s", p.url)
	}
	code, out, errs := runHere(t, "key", "create", "--scope", "read", "--data", filepath.Join(dir, "identity-data"))
	if code != exitDone || !strings.HasPrefix(out, "idk_") {
		t.Errorf("key create ends with %d: %s%s", code, out, errs)
	}
	other, _ := writeCertificate(t, t.TempDir(), 2)
	if err := (dataDirectory{filepath.Join(dir, "identity-data")}).announce(p.url, other); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := runHere(t, "key", "list", "--data", filepath.Join(dir, "identity-data")); code != exitFailed || !strings.Contains(errs, "does not show the certificate") {
		t.Errorf("of a service with another certificate key list ends with %d: %s", code, errs)
	}
	answer, err := http.Get(strings.Replace(p.url, "https:", "http:", 1) + "/livez")
	if err != nil {
		t.Fatal(err)
	}
	if answer.Body.Close(); answer.StatusCode != http.StatusBadRequest {
		t.Errorf("plain HTTP is answered with %d", answer.StatusCode)
	}
	if err := p.signal(syscall.SIGTERM); err != nil || p.wait() != 0 {
		t.Errorf("it ends with %d, %v", p.wait(), err)
	}
}

// A certificate is read again when its files change; one that does not fit is
// passed over.
func TestCertificateIsReadAgain(t *testing.T) {
	dir := t.TempDir()
	certificate, key := writeCertificate(t, dir, 1)
	files := &certificateFiles{certificate: certificate, key: key, log: slog.New(slog.DiscardHandler)}
	if err := files.load(); err != nil {
		t.Fatal(err)
	}
	serial := func() int64 {
		files.looked = time.Time{}
		shown, err := files.get(nil)
		if err != nil {
			t.Fatal(err)
		}
		return shown.Leaf.SerialNumber.Int64()
	}
	writeCertificate(t, dir, 2)
	if got := serial(); got != 2 {
		t.Errorf("after a change certificate %d is shown", got)
	}
	if err := os.WriteFile(key, []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := serial(); got != 2 {
		t.Errorf("after half a change certificate %d is shown", got)
	}
	writeCertificate(t, dir, 3)
	if got := serial(); got != 3 {
		t.Errorf("after it was mended certificate %d is shown", got)
	}
}

// Listening beyond this machine without TLS is warned of.
func TestPlainHTTPBeyondThisMachineIsWarnedOf(t *testing.T) {
	p := mustStart(t, t.TempDir(), "--listen", "0.0.0.0:0")
	if !strings.Contains(p.logged(), "listening beyond this machine without TLS") {
		t.Errorf("no warning in\n%s", p.logged())
	}
	if host, _, err := net.SplitHostPort(strings.TrimPrefix(p.url, "http://")); err != nil || host != "127.0.0.1" {
		t.Errorf("commands are told %s", p.url)
	}
}
