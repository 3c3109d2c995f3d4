package querysync

// queue holds each entity once, in the order in which it first came.
type queue[E comparable] struct {
	entities []E
	head     int
	waiting  map[E]struct{}
}

func (q *queue[E]) len() int { return len(q.entities) - q.head }

// push adds an entity, unless it waits already.
func (q *queue[E]) push(entity E) bool {
	if _, waits := q.waiting[entity]; waits {
		return false
	}
	q.waiting[entity] = struct{}{}
	q.entities = append(q.entities, entity)
	return true
}

// pop takes at most so many from the front. They are the caller's.
func (q *queue[E]) pop(most int) []E {
	batch := make([]E, min(most, q.len()))
	copy(batch, q.entities[q.head:])
	for _, entity := range batch {
		delete(q.waiting, entity)
	}
	q.head += len(batch)
	q.compact()
	return batch
}

// compact gives back the room of what was taken, once that is most of it.
func (q *queue[E]) compact() {
	if q.head < 1024 || q.head < len(q.entities)/2 {
		return
	}
	q.entities = append(make([]E, 0, q.len()), q.entities[q.head:]...)
	q.head = 0
	if q.len() == 0 {
		q.waiting = map[E]struct{}{}
	}
}

// unpop puts a batch back to the front; what has come anew meanwhile stays
// where it is too.
func (q *queue[E]) unpop(batch []E) {
	q.entities = append(append(make([]E, 0, len(batch)+q.len()), batch...), q.entities[q.head:]...)
	q.head = 0
	for _, entity := range batch {
		q.waiting[entity] = struct{}{}
	}
}
