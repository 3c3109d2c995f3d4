// Package memsearch is a search index in memory, for the service that runs on
// one machine.
package memsearch
