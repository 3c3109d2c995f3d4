package memsearch_test

import (
	"github.com/seed5b6a70b4/identity/queries/memsearch"
	"testing"
)

func BenchmarkBreak(b *testing.B) { memsearch.Breakdown(theTown().index, b) }
