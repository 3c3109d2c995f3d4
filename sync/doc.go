// Package querysync brings views up to date with the streams. The folder is
// named sync, as the layout asks; the package is not, because every file that
// imported a package sync would lose the standard library's.
//
// One routine, Ensure, serves the feed, the sweep and the reader that forces a
// view. Feeds are doorbells: they may repeat, reorder and lose, because what is
// applied is read from the store, from exactly where the view's row stands.
package querysync
