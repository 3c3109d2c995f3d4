// Package audit proves that a store is whole and that what was derived from it
// agrees with it. It goes over the log once and checks
//
//   - that positions and sequence numbers have no gaps, that every commit has the
//     hash it claims and follows the one before it, and that every sibling that a
//     commit names is in its transaction;
//   - that the directory streams users/{n} and groups/{n} say what the entities'
//     own streams say;
//   - that every unique value of a living entity is claimed by it, and that every
//     claim's owner holds the value;
//   - that nesting is a copy of the edges between groups, and has no cycle;
//   - that every row of the view is the fold of its stream, and every list shows
//     what it should and nothing else;
//   - that every index has applied what the log held when the audit began, and
//     holds what the view makes of each entity, and nothing else;
//   - that every closure over groups is the fold of nesting.
//
// A store that does not number its transactions is scanned instead, stream by
// stream. Of it and of what follows it is checked besides
//
//   - that every row is announced up to where its stream is, that the change feed
//     tells so, and that nothing is left to tidy after what was removed;
//   - that no directory stream was handled further than it goes;
//   - that the change feed can be read, and that every index has handled what was
//     in it when the audit began.
//
// It may run while the store is written to: what moved meanwhile is looked at
// again before it is reported. A scan is from no single instant, and what follows
// it may be late: what does not agree there is read anew, and reported only if it
// has not come right at the end, after Options.Patience. The audit changes nothing.
// Memory is about 150 bytes for each stream; nothing is kept of what commits say.
//
// It cannot tell that the newest transactions were cut off the end of the log, or
// that the newest commits of a stream were taken out of a log that was written
// anew, unless something derived is ahead of it. On a scan it cannot tell that a
// whole transaction is missing of which every commit was its stream's last, unless
// something derived is.
package audit
