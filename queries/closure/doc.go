// Package closure answers which groups are in which through other groups. It
// folds the stream nesting, and nothing else, into a graph in memory: a view of
// its own, whose position is the number of the last commit of nesting in it.
//
// What a group reaches is worked out when it is first asked for and remembered
// until an edge above or below it changes; a change forgets no more than that. A
// question sees the graph as one commit left it, and shares a lock only with the
// folding of a commit.
package closure
