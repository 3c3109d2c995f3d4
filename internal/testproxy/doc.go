// Package testproxy stands between a test's clients and a real server, and spoils
// the way as it is told.
package testproxy
