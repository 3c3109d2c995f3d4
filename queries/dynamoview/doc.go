// Package dynamoview keeps the rows of the directory in a DynamoDB table: users,
// groups, memberships and API keys, each folded from its own stream. It is a
// queries.View, and what a synchroniser writes to (querysync.View); any number of
// processes may write to one table.
//
// An item is found by its partition key p and its sort key s:
//
//	p                  s          what
//	user#{bucket}      user id    a user's row
//	group#{bucket}     group id   a group's row
//	key                key id     an API key's row
//	members#{group}    member id  a membership, as its group lists it
//	groups#{member}    group id   the same, as its member lists it
//
//	mark               stream     up to where a users/{n} or groups/{n} was handled
//
// n is the number of the last commit that was folded in, f the facts that make
// the row of nothing (domain.User.Facts), c and u the times of its first and last
// commit in milliseconds, k a member's kind, u of a membership when the member came
// in, l when it left. Items with x are in no list: removed
// users and groups, which stay so that nothing revives them, keys that are not
// active and memberships that are not present. a is up to where the row was
// announced in the change feed.
//
// r of a user or group counts the changes of its memberships: the revision of its
// search document is n + r. An item that has r but no n is a member that is not
// known yet. t says that all memberships of a removed user or group were
// announced as ended. A membership that ended so has e from when that was counted,
// and x too from when it was announced; one that its own stream ended has x alone.
//
// A row and its n are written in one request, provided that n is still what was
// read; a membership's two items and its member's r in one transaction. Every read
// is consistent. Users and groups are spread over buckets by their ids, because
// one partition takes a thousand writes a second at most; a list reads all
// buckets.
package dynamoview
