// Package seeding makes up a directory that looks like a real one: users with
// names in many scripts, three attributes and three memberships each on average,
// groups of very uneven sizes, nested up to MaxDepth deep.
//
// A Plan is pure: what it says of a user or a group depends on the seed and the
// number alone, ids included. So the first thousand users of a million are the
// thousand users of a smaller plan, and filling a directory twice changes
// nothing. Nobody in it exists; every mail address is in a reserved domain.
package seeding
