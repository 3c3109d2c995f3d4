// Package memview keeps the rows of the directory in memory: users, groups,
// memberships and API keys, each folded from its own stream. It is a
// queries.View, and what a synchroniser writes to (querysync.View, Positioned).
//
// It is made for millions of rows that the garbage collector need not look at:
//
//   - Every id that was ever named has a node, numbered from 0 and never given
//     back (nodes.go). A hash index finds it, without locks (index.go).
//   - A user's or group's row is a run of bytes in an arena (row.go, arena.go).
//     Nodes are spread over shards by their number; a shard's lock covers its
//     arena and is held for about as long as a row is copied.
//   - What is listed in order (users, groups, a group's members, a member's
//     groups) stands in sorted blocks of flat entries (sorted.go), so that a group
//     of 100,000 members costs what one of ten does.
//
// A membership counts while it is present and both of its ends exist. Readers
// hide the others at once; Tidy then takes them out of the lists, in small steps,
// and has the documents that changed thereby announced.
//
// The package does not decide, wait or read streams: it holds what it was given.
package memview
