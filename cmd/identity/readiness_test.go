package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed5b6a70b4/identity/commands"
)

const (
	takesWrites  = `"writable":true,"freeBytes"`
	followsOther = `"writable":false,"reason":"the store follows another one"`
	isClosed     = `"writable":false,"reason":"the store is closed: another one has taken over"`
)

// A store that refuses every write because of what it is says so where it is asked
// whether requests should come, and is still ready for reads.
func TestReadinessTellsWhoTakesWrites(t *testing.T) {
	f := newSource(t)
	replica := f.replica(filepath.Join(f.dir, "replica"))
	id, token := newUser(t, f.url, "homer")
	visible(t, replica.url, id, token)
	says(t, f.url+"/readyz", "", "", 200, takesWrites)
	says(t, replica.url+"/readyz", "", "", 200, followsOther)

	says(t, f.url+"/store:close", "", "{}", 200, `"role":"closed"`)
	for range 2 {
		says(t, f.url+"/users", "", `{"username":"nobody"}`, 503, "store_closed")
		says(t, f.url+"/readyz", "", "", 200, isClosed)
	}
	says(t, f.url+"/readyz", "", "", 200, `{"status":"ready",`)
	mustRun(t, "promote", "--url", replica.url)
	eventually(t, serversTime, "what has taken over takes writes", func() error {
		if got := ask(t, replica.url+"/readyz", "", ""); got.status != 200 || !strings.Contains(got.body, takesWrites) {
			return errNotYet
		}
		return nil
	})
	newUser(t, replica.url, "marge")
}

// Everybody may ask: what the storage says is not told.
func TestReadinessDoesNotQuoteTheStorage(t *testing.T) {
	for _, test := range []struct {
		err   error
		shown string
	}{
		{commands.ErrFollower, commands.ErrFollower.Error()},
		{fmt.Errorf("%w: it lives another life", commands.ErrStoreClosed), commands.ErrStoreClosed.Error() + ": it lives another life"},
		{errors.New("look whether the store is open: read /srv/data/000001.log: input/output error"), "it cannot be found out whether the store is open"},
	} {
		if shown := refusing(test.err); shown != test.shown {
			t.Errorf("of %v it shows %q", test.err, shown)
		}
	}
}
