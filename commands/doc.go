// Package commands decides what a request writes. A command says what somebody
// asks for; its decide function is pure, and turns the state of the streams into
// the events to append, or into a refusal; Handler reads, decides and appends,
// again if another command was first.
//
// Commands decide on the streams themselves, never on views, so a decision is
// never behind. Unique values are claimed in the append that uses them.
package commands
