// Package elasticview is the search index in Elasticsearch: the same questions
// and the same answers as any other that passes searchtest.
//
// Texts are cut and folded by internal/words on both sides; Elasticsearch
// compares what comes out, as keywords, and analyses nothing. How well a document
// matches is said by constant scores, one for each tier, so that no statistics of
// the index have a part in the order.
//
// In one thing the answers differ from those of other indexes: a typo is not
// forgiven in a word of more than 32 letters, because finding it would take
// Elasticsearch seconds.
//
// A document's version is its revision (version_type external): whoever writes
// late or twice is told that it is there already, which is success. What was
// removed stays as a document without content. Nothing is ever deleted, because
// Elasticsearch forgets the version of what was deleted after a minute, and would
// take an older one.
//
// The index is known by an alias, which names one generation. Another generation
// is filled beside it and takes its place at once.
//
// Places between pages hold the last result's keys, so they need no state in
// Elasticsearch and do not expire. A walk may thus see changes that are made
// meanwhile, as one over any other index.
package elasticview
