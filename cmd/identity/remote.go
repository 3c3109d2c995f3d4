package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"

	"github.com/seed5b6a70b4/identity/eventstream/logstore"
	"github.com/seed5b6a70b4/identity/httpapi"
)

// remoteFlags are those of commands that work on a directory at rest as well as
// on one that is served.
type remoteFlags struct {
	dataFlags `embed:""`
	URL       string `name:"url" env:"IDENTITY_URL" placeholder:"URL" help:"A running service to speak to; by default the one that holds the data directory, if there is one."`
}

// reach gives a client of the running service, if one is named or holds the data
// directory, or else the engine, opened.
func (f *remoteFlags) reach(ctx context.Context, follow followFlags, s settings) (*client, engine, error) {
	if err := f.check(); err != nil {
		return nil, nil, err
	}
	if f.URL != "" {
		c, err := f.dial(announcement{URL: f.URL})
		return c, nil, err
	}
	e, err := f.open(ctx, follow, s)
	if !errors.Is(err, logstore.ErrLocked) {
		return nil, e, err
	}
	running, err := dataDirectory{f.Data}.announced()
	if err != nil {
		return nil, nil, err
	}
	c, err := f.dial(running)
	return c, nil, err
}

// client gives a client of the running service, or of one in this process.
func (f *remoteFlags) client(ctx context.Context) (*client, error) {
	c, e, err := f.reach(ctx, followFlags{Feed: noFeed, Search: noSearch}, settings{looking: true, noSearch: true})
	if err != nil || c != nil {
		return c, err
	}
	return serveHere(e)
}

// existing refuses a data directory that holds nothing, or only a part of a copy, for
// commands that only look.
func (f *dataFlags) existing() error {
	if f.Store == dynamoStore {
		return nil // opening it tells
	}
	if _, err := os.Stat(dataDirectory{f.Data}.log()); errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("--data %s: there is no directory of users and groups", f.Data)
	}
	return dataDirectory{f.Data}.finished()
}

// serveHere serves an engine to a client in this process, over no network.
func serveHere(e engine) (*client, error) {
	c, err := serveBeside(e)
	if err != nil {
		return nil, errors.Join(err, e.close())
	}
	end := c.close
	c.close = func() error { return errors.Join(end(), e.snapshot(), e.close()) }
	return c, nil
}

// serveBeside is serveHere, but closing the client leaves the engine open.
func serveBeside(e engine) (*client, error) {
	key := rand.Text()
	core := e.base()
	handler, err := httpapi.New(httpapi.Config{
		Commands: core.commands, Queries: core.reader, Epoch: core.directory.Epoch, Views: e.views(), Parking: core.parking, Events: core.events,
		AdminKeys: []httpapi.KeyHash{httpapi.HashKey(key)},
	})
	if err != nil {
		return nil, err
	}
	pipes := &pipeListener{made: make(chan net.Conn), closed: make(chan struct{})}
	server := httpapi.NewServer(handler, nil)
	served := make(chan error, 1)
	go func() { served <- server.Serve(pipes) }()
	transport := &http.Transport{DialContext: pipes.dial}
	return &client{
		url: "http://identity", key: key, http: &http.Client{Transport: transport},
		close: func() error {
			transport.CloseIdleConnections()
			err := server.Close()
			if ended := <-served; !errors.Is(ended, http.ErrServerClosed) {
				err = errors.Join(err, ended)
			}
			return err
		},
	}, nil
}

// pipeListener is a net.Listener of connections within this process.
type pipeListener struct {
	made   chan net.Conn
	once   sync.Once
	closed chan struct{}
}

func (l *pipeListener) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case l.made <- theirs:
		return ours, nil
	case <-l.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept implements net.Listener.
func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case made := <-l.made:
		return made, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr implements net.Listener.
func (l *pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "identity", Net: "pipe"} }
