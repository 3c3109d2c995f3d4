package main

import (
	"context"
	"net"
	"slices"
	"strings"
)

// dataFlags say where the data is.
type dataFlags struct {
	Data        string `env:"IDENTITY_DATA" default:"./identity-data" placeholder:"DIR" help:"Data directory of the embedded store; default ./identity-data."`
	Store       string `env:"IDENTITY_STORE" default:"embedded" placeholder:"NAME" help:"Where commits are kept: embedded (default), with the claim secret in claim.key, or dynamodb, where IDENTITY_CLAIM_KEY may bring it."`
	TablePrefix string `env:"IDENTITY_TABLE_PREFIX" default:"identity" placeholder:"TEXT" help:"Begins the names of tables, stream and index; default identity."`
}

// check refuses what no store can be opened with.
func (f *dataFlags) check() error {
	if f.Data == "" {
		return misused("--data, IDENTITY_DATA: a directory is needed")
	}
	if err := checkPrefix(f.TablePrefix); err != nil {
		return err
	}
	return oneOf("--store, IDENTITY_STORE", f.Store, embeddedStore, dynamoStore)
}

// open opens the engine that the flags name, as the following ones say.
func (f *dataFlags) open(ctx context.Context, follow followFlags, s settings) (engine, error) {
	if f.Store == dynamoStore {
		return openCloud(ctx, f.TablePrefix, follow, s)
	}
	return openEmbedded(ctx, f.Data, s)
}

// oneOf refuses a value that is not among those known.
func oneOf(what, value string, known ...string) error {
	if slices.Contains(known, value) {
		return nil
	}
	return misused("%s: %q is none of its values; they are %s", what, value, strings.Join(known, " and "))
}

// checkAddress refuses what cannot be listened on.
func checkAddress(what, address string) error {
	host, port, err := net.SplitHostPort(address)
	if err == nil {
		_, err = net.LookupPort("tcp", port)
	}
	if err != nil || strings.ContainsAny(host, " /") {
		return misused("%s: %q is no address; host:port is, as 127.0.0.1:8080", what, address)
	}
	return nil
}
