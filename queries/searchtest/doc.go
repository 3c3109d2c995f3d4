// Package searchtest is what every search index must pass: Run asks it what the
// contract of queries.Search says, and compares it with a Judge, which looks at
// every document and is too slow for anything else.
package searchtest
