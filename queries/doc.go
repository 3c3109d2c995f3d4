// Package queries answers what can be asked of the directory: entities by id and
// by their unique values, lists, search, membership, history and the past.
//
// Callers use Reader; backends implement View (rows, folded from streams) and
// Search (an index of them). Every answer says what it rests on, as a token, and
// is never older than the caller demanded: it is fresh enough, or an error.
package queries
