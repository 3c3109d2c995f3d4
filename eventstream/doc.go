// Package eventstream keeps ordered lists of commits, many and small, and writes
// to several of them at once or to none.
//
// Callers use Streams, a concrete type; backends implement Store, five methods.
// Both know bytes only: what a commit says is the domain's business.
//
// The promises, which package storetest holds every backend to:
//
//   - A transaction is appended whole or not at all, over all its streams.
//   - A stream's commits are numbered from 1 without gaps; appends to a stream
//     are linearizable, and nobody sees a commit before it is durable.
//   - Every commit carries the SHA-256 of itself and of the commit before it, so
//     that what was altered or left out shows.
//   - No order is promised between streams, but for backends that number their
//     transactions (Commit.Position).
package eventstream
