package queries

import "errors"

// Generation is what answers at a time: rows, what brings them to where a reader
// needs them, and the index that is made of them. It is made beside the one that
// answers, and takes its place at once.
type Generation struct {
	// View answers; Waiter brings it to where a reader needs it. Both are required.
	View   View
	Waiter Waiter
	// Search finds; nil when search is off. SearchWaiter brings both the view and
	// the index to where a reader needs them; required with Search.
	Search       Search
	SearchWaiter Waiter
}

func (g *Generation) check() error {
	if g.View == nil || g.Waiter == nil {
		return errors.New("a reader needs a view and a waiter")
	}
	if g.Search != nil && g.SearchWaiter == nil {
		return errors.New("a reader with search needs a waiter for it")
	}
	return nil
}

// Switch has another generation answer whatever is asked from now on. Each call
// of a method is answered by one generation throughout, and what it rests on is
// that generation's; those under way end with the one they began with, which
// must therefore go on being kept up to date for as long as a call may take.
//
// Whoever switches sees to it that the new generation is at least as far as the
// old one was shown to be; a token is waited for in any case.
func (r *Reader) Switch(g Generation) error {
	if err := g.check(); err != nil {
		return err
	}
	of := *r
	of.config.View, of.config.Waiter = g.View, g.Waiter
	of.config.Search, of.config.SearchWaiter = g.Search, g.SearchWaiter
	of.answers = nil
	r.answers.Store(&of)
	return nil
}

// answering gives the reader of the generation that answers now. Every method
// that reads a view begins with it; a Reader of one generation answers itself.
func (r *Reader) answering() *Reader {
	if r.answers == nil {
		return r
	}
	return r.answers.Load()
}

// Generation is what answers now.
func (r *Reader) Generation() Generation {
	c := &r.answering().config
	return Generation{View: c.View, Waiter: c.Waiter, Search: c.Search, SearchWaiter: c.SearchWaiter}
}
