// Package logstore keeps streams in one directory of one machine, durably. It is
// an eventstream.Store and an eventstream.Log.
//
// A transaction is one entry of a log; all that queued during the last fdatasync
// are written and synced together, as one frame. Only then are they published,
// told to the observer and acknowledged, in this order: nobody sees a commit
// before it is durable, and whoever was answered finds it applied. FORMAT.md
// draws every byte.
//
// In memory there is a head for each stream: the number of its last commit and
// where in the log it stands. Reading a stream walks back from there, and checks
// all that it reads: checksums, numbers, and the chain of hashes.
//
// A store that finds acknowledged data damaged or missing does not open; see
// CorruptError. What a crash cut short was never acknowledged, and is removed.
// The one case that cannot be told apart is damage to what was acknowledged in
// the last second before a crash, see the mark in FORMAT.md.
//
// Every segment of the log, 64 MiB by default, keeps a file open.
//
// The package will not remove, compact or replicate anything, and expects a disk
// that keeps what it has synced.
package logstore
