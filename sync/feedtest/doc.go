// Package feedtest holds every view to what the synchroniser promises of it:
// however its feed shuffles, doubles, drops and cuts what it tells, whatever
// fails in between, and however many work on it at once, the view ends as the
// fold of its streams, and never claims a position that it has not reached.
//
// Model, the view in memory that shows just what it was given, is the first to be
// held to it.
package feedtest
