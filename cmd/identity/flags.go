package main

import (
	"context"
	"net"
	"strings"
)

// dataFlags say where the data is. The values other than "embedded" name
// backends that are to come.
type dataFlags struct {
	Data  string `env:"IDENTITY_DATA" default:"./identity-data" placeholder:"DIR" help:"Data directory; default ./identity-data."`
	Store string `env:"IDENTITY_STORE" default:"embedded" placeholder:"NAME" help:"Where commits are kept: embedded."`
	// TablePrefix is for stores of tables; the embedded one is told in vain.
	TablePrefix string `env:"IDENTITY_TABLE_PREFIX" default:"identity" hidden:""`
}

// check refuses what this build cannot do.
func (f *dataFlags) check() error {
	if f.Data == "" {
		return misused("--data, IDENTITY_DATA: a directory is needed")
	}
	return oneOf("--store, IDENTITY_STORE", f.Store, []string{"embedded"}, "dynamodb")
}

// open opens the engine that the flags name.
func (f *dataFlags) open(ctx context.Context, s settings) (engine, error) {
	return openEmbedded(ctx, f.Data, s)
}

// oneOf refuses a value that is not among those of this build, and says which
// ones are to come.
func oneOf(what, value string, known []string, toCome ...string) error {
	for _, is := range known {
		if value == is {
			return nil
		}
	}
	for _, is := range toCome {
		if value == is {
			return misused("%s: %q is not in this build yet; it has %s", what, value, strings.Join(known, " and "))
		}
	}
	return misused("%s: %q is none of its values; this build has %s", what, value, strings.Join(known, " and "))
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
