// Package logbench compares the embedded store's log with hashicorp/raft-wal
// under the same load: the numbers behind docs/adr/0004. It holds benchmarks
// only.
//
//	go test -run='^$' -bench=. ./internal/bench/logbench
package logbench
