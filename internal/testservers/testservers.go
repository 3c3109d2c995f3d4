package testservers

import (
	"errors"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/gofrs/flock"
)

// DynamoDB gives the URL of a DynamoDB, which keeps what it is told for as long as
// it runs. It takes any credentials and has no limits on throughput.
func DynamoDB(t testing.TB) string { return dynamoDB.url(t) }

// Kinesis gives the URL of a Kinesis, which keeps what it is told for as long as
// it runs. It takes any credentials and has no limits on throughput.
func Kinesis(t testing.TB) string { return kinesis.url(t) }

// Elasticsearch gives the URL of an Elasticsearch 8 without users.
func Elasticsearch(t testing.TB) string { return elasticsearch.url(t) }

// server is one of the servers, and what this process knows of it.
type server struct {
	name     string
	variable string   // of the environment, with an address
	tools    []string // of the machine, without which it cannot be installed and started
	// sources name everything that is installed: what was installed from others is
	// not used.
	sources []string
	// install fills an empty directory.
	install func(dir string) error
	// command starts the server on a port, of what was installed; what it writes
	// goes below run.
	command func(lib, run, port string) (*command, error)
	// ready tells whether it is this server that answers at a URL.
	ready func(url string) bool

	once    sync.Once
	address string
	err     error
	using   *flock.Flock // kept, or its file would be closed when garbage is collected
}

// command is what runs a server.
type command struct {
	args        []string
	environment []string
}

// unable is an error that is the machine's: something is missing there.
type unable string

func (u unable) Error() string { return string(u) }

func (s *server) url(t testing.TB) string {
	t.Helper()
	if given := os.Getenv(s.variable); given != "" {
		return strings.TrimSuffix(given, "/")
	}
	s.once.Do(func() { s.address, s.err = s.share() })
	var missing unable
	switch {
	case s.err == nil:
	case errors.As(s.err, &missing) && os.Getenv("CI") != "true":
		t.Skipf("no %s: %v, and %s is not set", s.name, s.err, s.variable)
	default:
		t.Fatalf("no %s: %v", s.name, s.err)
	}
	return s.address
}
