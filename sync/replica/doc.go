// Package replica keeps a store a copy of another one, whose events it follows, and
// has it take over.
//
// The followed store gives its transactions as package commitlines writes them. Each
// is imported as it was sealed, whole, once what it continues is there; so whatever
// the followed store is made of, the copy is a prefix of each of its streams. Where
// following is cut off, it goes on from a place before: what comes again is found
// to be there.
package replica
