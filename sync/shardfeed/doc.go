// Package shardfeed reads a sharded stream of records, DynamoDB Streams or
// Kinesis, with any number of processes at once, and rings the synchroniser's
// doorbell: it hands over which streams have reached which numbers, at least once.
//
// Each shard is read by the process that holds its lease. A lease is fenced by a
// counter that every change raises: who has lost it cannot move its checkpoint.
// Whether a holder is dead is judged by the observer's own clock since it last saw
// the counter change; clocks of two machines are never compared. Leases are for
// efficiency only: two processes that both read a shard do no harm.
//
//   - A checkpoint moves only once the handler has said that nothing up to there
//     may be needed again.
//   - Every shard is read from its beginning, and only after all of its parents
//     were read to their end, or are gone.
//   - Shards are listed again now and then, not only when one has ended.
//   - What was trimmed before it was read is a loss: it is counted, logged as an
//     error and told to OnLoss, which must see to it that the streams are compared
//     with the views. Reading goes on at the oldest record there is.
//
// Sequence numbers of records are opaque here: they are neither read as numbers
// nor compared.
package shardfeed
