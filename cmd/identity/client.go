package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	neturl "net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

// client speaks to a serve, in another process or in this one.
type client struct {
	url  string
	key  string
	http *http.Client
	// unknown says, where the key is not known, which one was sent and what to do.
	unknown string
	// close ends what serves it, if that is in this process.
	close func() error
}

// problem is a refusal by the service.
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	Code   string `json:"code"`
	Errors []struct {
		Pointer string `json:"pointer"`
		Detail  string `json:"detail"`
	} `json:"errors,omitempty"`

	after time.Duration // how long to wait before the next attempt
}

func (p *problem) Error() string {
	text := fmt.Sprintf("the service answers %d %s: %s", p.Status, p.Code, p.Detail)
	for _, e := range p.Errors {
		text += fmt.Sprintf("; %s: %s", e.Pointer, e.Detail)
	}
	return text
}

// do sends a request and reads the answer into one value, if that is not nil.
func (c *client) do(ctx context.Context, method, path string, body, into any) (status int, err error) {
	answer, err := c.open(ctx, method, path, body)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, answer.Body.Close()) }()
	if into == nil || answer.StatusCode == http.StatusNoContent {
		_, err = io.Copy(io.Discard, answer.Body)
		return answer.StatusCode, err
	}
	if err := json.NewDecoder(answer.Body).Decode(into); err != nil {
		return answer.StatusCode, fmt.Errorf("read the answer to %s: %w", method, err)
	}
	return answer.StatusCode, nil
}

// open sends a request and leaves the answer, a success, to be read.
func (c *client) open(ctx context.Context, method, path string, body any) (*http.Response, error) {
	var sent io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		sent = bytes.NewReader(raw)
	}
	r, err := http.NewRequestWithContext(ctx, method, c.url+path, sent)
	if err != nil {
		return nil, err
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	return c.send(r)
}

// send sends a request, with the key, and leaves the answer, a success, to be read.
func (c *client) send(r *http.Request) (*http.Response, error) {
	r.Header.Set("Authorization", "Bearer "+c.key)
	answer, err := c.http.Do(r)
	if err != nil {
		return nil, fmt.Errorf("speak to the service: %w", err)
	}
	if answer.StatusCode < 300 {
		return answer, nil
	}
	defer answer.Body.Close()
	refusal := &problem{Status: answer.StatusCode}
	if err := json.NewDecoder(io.LimitReader(answer.Body, 64<<10)).Decode(refusal); err != nil {
		refusal.Detail = "no reason given"
	}
	seconds, err := strconv.Atoi(answer.Header.Get("Retry-After"))
	if err != nil {
		seconds = 1
	}
	refusal.after = time.Duration(seconds) * time.Second
	if refusal.Status == http.StatusUnauthorized && c.unknown != "" {
		return nil, fmt.Errorf("%w; %s", refusal, c.unknown)
	}
	return nil, refusal
}

// dial makes a client of a running serve, with the admin key of the environment
// or else of the data directory.
func (f *remoteFlags) dial(to announcement) (*client, error) {
	key, err := adminKeyOfEnvironment()
	if err != nil {
		return nil, err
	}
	unknown := fmt.Sprintf("the key sent is that of %s: set it to an admin key of that service", adminVar)
	if key == "" {
		var absent bool
		if key, absent, err = (dataDirectory{f.Data}).readAdminKey(); err != nil {
			return nil, err
		}
		file := dataDirectory{f.Data}.file(adminFile)
		if absent {
			return nil, fmt.Errorf("no admin key: neither %s is set nor is there %s", adminVar, file)
		}
		unknown = fmt.Sprintf("the key sent is that of %s: name the data directory of that service with --data, or set %s", file, adminVar)
	}
	c, err := dialWith(to, key)
	if err == nil {
		c.unknown = unknown
	}
	return c, err
}

// dialWith makes a client that shows a key, or none if it is empty.
func dialWith(to announcement, key string) (*client, error) {
	at, err := neturl.Parse(to.URL)
	if err != nil || at.Host == "" || at.Scheme != "http" && at.Scheme != "https" {
		return nil, misused("--url, IDENTITY_URL: not a URL of http or https")
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 2 * seedWriters
	if to.Certificate != "" {
		if transport.TLSClientConfig, err = pin(to.Certificate); err != nil {
			return nil, err
		}
	}
	return &client{
		url: strings.TrimSuffix(to.URL, "/"), key: key, http: &http.Client{Transport: transport},
		close: func() error { transport.CloseIdleConnections(); return nil },
	}, nil
}

// pin trusts the one certificate that a file begins with, whoever it is for: the
// service on this machine may be known by any name.
func pin(file string) (*tls.Config, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the certificate of the running service: %w", err)
	}
	block, _ := pem.Decode(raw)
	if block == nil {
		return nil, fmt.Errorf("%s holds no certificate", file)
	}
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: true, // VerifyPeerCertificate compares the certificate itself
		VerifyPeerCertificate: func(shown [][]byte, _ [][]*x509.Certificate) error {
			if len(shown) == 0 || !bytes.Equal(shown[0], block.Bytes) {
				return fmt.Errorf("the service does not show the certificate of %s", file)
			}
			return nil
		},
	}, nil
}
