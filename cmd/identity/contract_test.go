package main

import (
	"path/filepath"
	"testing"

	"github.com/seed5b6a70b4/identity/httpapi/apitest"
)

// The process, as it is started by everybody, keeps the wire contract; what the
// contract's tests left behind is as it must be.
func TestWireContract(t *testing.T) {
	dir := t.TempDir()
	p := mustStart(t, dir, "--no-access-log")
	apitest.Run(t, &apitest.Target{URL: p.url, AdminKey: clientOf(t, dir).key})
	if code, out, errs := runHere(t, "verify", "--data", filepath.Join(dir, "identity-data")); code != exitDone {
		t.Errorf("verify ends with %d: %s%s", code, out, errs)
	}
}
