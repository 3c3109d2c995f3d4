// Package domain says what a directory is: users, groups, memberships and API
// keys, the values they are made of, the events that change them, and the folds
// that turn events back into entities.
//
// Everything here is a value or a pure function: no clock, no I/O, no locks. A
// value type cannot hold a bad value, because only its Parse function makes one;
// decoding a stored event trusts what an earlier Parse accepted, so that a rule
// made stricter later never makes history unreadable.
//
// Events are a file format (format.go). Their names and versions are stable, each
// has a golden file under testdata/events, and an old version is read for ever,
// by upcasting it. Unknown members of a known event are passed over, and kept in
// its Envelope; an unknown event is an error.
package domain
