// Package followtest holds what tells followers of the directory to its promise: a
// follower that puts in what is there and takes out what is removed, in pages of
// whatever size, ends up with what the directory has, whoever is restarted
// meanwhile.
package followtest
