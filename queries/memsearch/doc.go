// Package memsearch is the search index of the service that runs on one machine:
// in memory, as current as its last Put, ready at once after a start from a
// snapshot.
//
// Users and groups are on a shelf each (shelf.go). A shelf has segments, which do
// not change, and buffers of the newest versions, which searches look through one
// by one (scan.go). Full buffers become segments (build.go) and segments are
// merged (merge.go) in the background (upkeep.go). A new version of a document
// only marks the old one dead, with the sequence it died at; so a search, which
// takes the shelf's state and its sequence once, sees one moment, without a lock.
//
// A segment (segment.go) is flat arrays outside the garbage collector's sight
// (slab.go). Its documents are numbered in the order of name and id, so that the
// first hits met are the page, and a cursor is found by halving. It has a
// dictionary of sorted terms (dictionary.go) with their postings one after the
// other: a prefix is one run of both, its size known at once. A list of each
// document's terms tells what else it matches. Groups, attributes and being
// active are labels (label.go) with posting lists of their own.
//
// A search (query.go, match.go) goes by tiers: a later one is looked at only if the
// page is not full. For each segment it either goes through the documents in
// order, if enough of them will do, or walks the postings of the rarest word.
// Typos (typo.go) are found by walking the dictionary.
//
// What words are, and when two are alike, is for package words to say.
package memsearch
