// Package transfer carries transactions from one store to another, or to whoever
// wants them: a Source gives them in an order in which they can be taken, and an
// Arranger puts right the order of a source that cannot promise one.
package transfer
