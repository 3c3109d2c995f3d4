// Package apitest holds a running service to the wire contract: every row of it
// is a subtest that speaks HTTP and nothing else. It runs against the handler in
// a process, and as well against any service that listens somewhere, because no
// test demands an empty directory: names are random, and what a test finds
// besides its own is left alone.
//
// Every answer on the way, whatever the test is about, is also checked against
// the service's own OpenAPI document: the status is one that the operation
// declares, and the body is as the schema says.
package apitest
