// Package changenotices tells in order what has changed in a view whose changes
// are announced in the streams changes/{n} of a store, for those who follow the
// directory. It is a queries.Notices. The streams are polled while somebody waits,
// once for a process, however many wait.
package changenotices
