// Package lambdafeed rings the synchroniser's doorbell from a Lambda function: it
// takes the batches that an event source mapping reads of a Kinesis stream or of
// a table's own stream, hands over which streams have reached which numbers, and
// answers with the lowest record that has to be given again.
//
// Who reads which shard, and how far, is kept by the mapping. So is the promise
// that every record is given at least once, which is worth as much as the
// mapping's settings: it must report batch item failures, and try again for as
// long as records are kept. What it gives up is found by the sweep of a scheduled
// invocation.
package lambdafeed
