package viewtest

import (
	"context"

	"github.com/seed5b6a70b4/identity/eventstream"
)

func (s *subject) ctx() context.Context { return context.Background() }

// positioned is a view of a store that numbers its transactions.
type positioned interface {
	Applied() uint64
	SetApplied(position uint64)
}

var positionPromises = []promise{
	{"a fresh view rests on nothing", func(s *subject) {
		token, err := s.view.Position(s.ctx())
		s.check(err)
		s.same("positions", len(token), 0)
	}},
	{"a view of a numbered log rests on what it was told was applied", func(s *subject) {
		view, ok := s.view.(positioned)
		if !ok {
			return
		}
		view.SetApplied(7)
		view.SetApplied(5)
		s.same("applied", view.Applied(), uint64(7))
		token, err := s.view.Position(s.ctx())
		s.check(err)
		s.same("token", token, eventstream.Token{{Stream: eventstream.LogStream, Seq: 7}})
	}},
}
