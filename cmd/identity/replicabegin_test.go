package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A replica that cannot begin says what is to be done for a replica, and what it has
// begun with is not served.
func TestAReplicaThatCannotBegin(t *testing.T) {
	f := newSource(t)
	data := filepath.Join(f.dir, "replica")
	follow := []string{"replicate", "--from", f.url, "--listen", "127.0.0.1:0", "--data", data}
	serve := []string{"serve", "--listen", "127.0.0.1:0", "--data", data}
	for secret, says := range map[string]string{
		"":                       "the claim secret is missing, under which the unique values of the followed directory are hashed",
		"nonsense":               "the claim secret is not 64 hexadecimal digits",
		strings.Repeat("ab", 32): "the claim secret is not this store's",
	} {
		t.Setenv(claimVar, secret)
		fails(t, says+": set "+claimVar+" to that of the followed directory, or put its claim.key into "+data, follow...)
		fails(t, "go on with `identity replicate --from "+f.url+"`", serve...)
	}
	if kept, err := filepath.Glob(filepath.Join(data, claimFile)); err != nil || len(kept) > 0 {
		t.Errorf("%v was made: %v", kept, err)
	}
	t.Setenv(claimVar, claimKeyOf(t, f.data()))
	fails(t, "a replica needs a data directory of its own", "replicate", "--from", f.url, "--listen", "127.0.0.1:0", "--data", f.data())
	replica := f.replica(data)
	id, token := newUser(t, f.url, "homer")
	visible(t, replica.url, id, token)
	f.kill(replica)
	t.Setenv(claimVar, strings.Repeat("ab", 32))
	fails(t, "says another claim secret than "+claimVar, follow...)

	// Nor is what has nothing yet but the source's name taken for a new directory.
	empty := dataDirectory{filepath.Join(f.dir, "empty")}
	if err := os.Mkdir(empty.path, directoryMode); err != nil {
		t.Fatal(err)
	}
	if err := (replicaRecordFile{empty}).begin(t.Context(), &replicaRecord{Source: f.url}); err != nil {
		t.Fatal(err)
	}
	fails(t, "go on with `identity replicate --from "+f.url+"`", "serve", "--listen", "127.0.0.1:0", "--data", empty.path)
	if _, absent, err := empty.readSecret(claimFile); err != nil || !absent {
		t.Errorf("a secret was made: %v", err)
	}
}
