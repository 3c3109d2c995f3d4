package memsearch_test

import (
	"testing"

	"github.com/seed5b6a70b4/identity/queries/memsearch"
	"github.com/seed5b6a70b4/identity/queries/searchtest"
)

func TestConformance(t *testing.T) {
	for name, options := range map[string]memsearch.Options{"in buffers": {}, "in segments": {Buffer: 3}} {
		t.Run(name, func(t *testing.T) {
			searchtest.Run(t, func(*testing.T) searchtest.Index { return memsearch.New(options) })
		})
	}
}
