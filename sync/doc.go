// Package querysync brings views up to date with the streams. The folder is
// named sync, as the layout asks; the package is not, because every file that
// imported a package sync would lose the standard library's.
//
// One routine, Ensure, serves the feed, the sweep and the reader that forces a
// view. Feeds are doorbells: they may repeat, reorder and lose, because what is
// applied is read from the store, from exactly where the view's row stands.
//
//   - Observe takes what a store tells of in the same process: commits in hand are
//     applied as they are when they are exactly the next ones, and the store is
//     read otherwise. It moves a view's position only over what was applied or
//     parked.
//   - CatchUp replays a log at the start; Run sweeps now and then, and goes on
//     where the storage had failed.
//   - A stream that cannot be applied is parked in that view: listed, counted, kept
//     over restarts, tried again by Retry and at every start. Readers who force it
//     are told. Other streams go on.
//   - A Forwarder carries what changes in a view on to what follows the view, at its
//     own pace and with a position of its own.
//
// What a stream says is no business of this package: it compares numbers.
package querysync
