// Package commands decides what a request writes. A command says what somebody
// asks for; its decide function is pure, and turns the state of the streams into
// the events to append, or into a refusal; Handler reads, decides and appends,
// again if another command was first.
//
// Commands decide on the streams themselves, never on views, so a decision is
// never behind. What is kept between commands, folded entities and the graph of
// groups in groups, only spares reading from the start: what came after is read
// every time, and the append is the only judge of what was first.
//
// The rules that hold for all of them:
//
//   - Unique values are claimed in the append that uses them, and released in the
//     append that gives them up.
//   - An update writes what really changes, and nothing if nothing does.
//   - A condition is checked on the state that the append then demands, so that
//     nothing comes between.
//   - A membership is a stream of its own. Removing a user or a group leaves its
//     memberships as they are: readers hide those whose end is gone.
//   - A request with an idempotency key is remembered in the append of what it
//     does, so that it is done once, whoever repeats it and whenever.
package commands
