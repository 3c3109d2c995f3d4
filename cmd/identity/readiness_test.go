package main

import (
	"path/filepath"
	"strings"
	"testing"
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
