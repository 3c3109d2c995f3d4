package queries

// BoundPast has a page of the past cost at most so much; what it gives takes that back.
// Nobody may read meanwhile.
func (r *Reader) BoundPast(rows, reads, chunk int) (undo func()) {
	answering := r.answering()
	before := answering.past
	answering.past = pastCost{rows, reads, chunk}
	return func() { answering.past = before }
}
