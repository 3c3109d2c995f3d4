// Package dynamostore keeps streams in a table of DynamoDB, one item a commit.
//
// The item's hash key is the stream's id, its range key the commit's number, and
// every write has the condition that no such item exists: that is where appends
// are decided. Commits are never changed nor removed, so a condition that failed
// once fails for ever, and a head that was true once is the right place to try
// the next number: the head cache may be behind at no harm but a further request.
//
// Writing to one stream is a PutItem, to several a TransactWriteItems. A request
// whose reply was lost is sent again as it was, until the storage says what came
// of it; if it does not, the error is eventstream.ErrUnknownOutcome. Throttling
// and conflicts with other transactions are waited out within the caller's
// deadline; nothing else is tried again on the way to a write.
//
// Appends that write to one stream whatever its number (a shard of all users) are
// folded into one transaction while the one before is on its way.
//
// Reads are consistent, on every page. Only Recent reads an index, which lags. A
// read whose connection breaks, or that the storage fails to answer (5xx), is sent
// again up to three times within the caller's deadline: it may be repeated at no
// harm. If that does not help, or the deadline ends it, the error is
// eventstream.ErrUnavailable.
//
// A transaction does not show in all of its streams at one instant: DynamoDB
// shows its items one by one to those who read without a transaction.
package dynamostore
