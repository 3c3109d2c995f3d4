package generations

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// The lines of generations.
const (
	Rows   = "rows"
	Search = "search"
)

// What keeps a change from being made.
var (
	// ErrBusy: a build is under way.
	ErrBusy = errors.New("a rebuild is under way")
	// ErrKept: the generation before is still kept.
	ErrKept = errors.New("the generation before is still kept")
	// ErrNone: there is no generation to do it with.
	ErrNone = errors.New("there is no such generation")
	// ErrNeeded: another generation is made of this one.
	ErrNeeded = errors.New("the search index is made of that generation of rows")
	// ErrMoved: the roll, or the build, is not as it was taken to be.
	ErrMoved = errors.New("the roll of generations has changed")
)

// Roll is which generations there are. Methods that change it leave it alone when
// they fail.
type Roll struct {
	// Version counts the changes; it is kept beside the roll.
	Version uint64 `json:"-"`
	Rows    Line   `json:"rows"`
	Search  Line   `json:"search"`
	// Build is the rebuild that is under way, nil if none is; Outcome is what became
	// of the last one.
	Build   *Build   `json:"build,omitempty"`
	Outcome *Outcome `json:"outcome,omitempty"`
}

// Line is the generations of one kind. Zero is none.
type Line struct {
	Answers int `json:"answers"`
	// Fills is followed, but nobody is answered from it yet.
	Fills int `json:"fills,omitempty"`
	Kept  int `json:"kept,omitempty"`
	// Leaving are followed for a while still, by those who have not heard.
	Leaving []int `json:"leaving,omitempty"`
	// Last is the highest number that was given.
	Last int `json:"last"`
	// Of tells of which generation of rows each of the search index is made.
	Of map[int]int `json:"of,omitempty"`
}

// Phase is how far the build of one generation is.
type Phase string

// The phases of a build.
const (
	// Making: the table or index may not be there yet, and nobody follows it.
	Making Phase = "making"
	// Filling: all follow it, and it is brought to what was before.
	Filling Phase = "filling"
	// Comparing: it has everything, and is compared.
	Comparing Phase = "comparing"
)

// Build is a rebuild under way.
type Build struct {
	// ID tells it from others.
	ID string `json:"id"`
	// Views are the lines to be built, in order; the first is being built, as
	// generation Number.
	Views  []string  `json:"views"`
	Number int       `json:"number"`
	Phase  Phase     `json:"phase"`
	Began  time.Time `json:"began"`
	// Rate is the most streams or documents a second; 0 is as many as can be.
	Rate int `json:"rate,omitempty"`
	// Force switches although the generations differ.
	Force bool `json:"force,omitempty"`
}

// Outcome is what became of a rebuild.
type Outcome struct {
	ID    string    `json:"id"`
	Views []string  `json:"views,omitempty"` // those that were switched
	Ended time.Time `json:"ended"`
	// Failed says why it did not get to its end; empty if it did. It names no values.
	Failed string `json:"failed,omitempty"`
	// Compared is what was compared, and Differences what differed: streams and
	// fields, never values; some of them if there are many.
	Compared    uint64   `json:"compared,omitempty"`
	Differences []string `json:"differences,omitempty"`
}

// New is the roll of a directory that was never rebuilt.
func New() *Roll {
	return &Roll{Rows: Line{Answers: 1, Last: 1}, Search: Line{Answers: 1, Last: 1, Of: map[int]int{1: 1}}}
}

// Line gives a line by its name; nil if there is none.
func (r *Roll) Line(name string) *Line {
	switch name {
	case Rows:
		return &r.Rows
	case Search:
		return &r.Search
	}
	return nil
}

// Followed are the generations that have to be kept up to date.
func (l *Line) Followed() []int {
	followed := append([]int{l.Answers, l.Fills, l.Kept}, l.Leaving...)
	followed = slices.DeleteFunc(followed, func(n int) bool { return n == 0 })
	slices.Sort(followed)
	return slices.Compact(followed)
}

// Start begins a rebuild of some lines, rows before the search index.
func (r *Roll) Start(build Build, views ...string) error {
	if r.Build != nil {
		return ErrBusy
	}
	for _, view := range views {
		line := r.Line(view)
		if line == nil {
			return fmt.Errorf("%w: %q", ErrNone, view)
		}
		if line.Kept != 0 {
			return fmt.Errorf("%w: %s %d", ErrKept, view, line.Kept)
		}
	}
	slices.Sort(views) // the names happen to be in order
	build.Views = slices.Compact(views)
	if len(build.Views) == 0 {
		return ErrNone
	}
	r.Build, r.Outcome = &build, nil
	r.number()
	return nil
}

// number gives the generation that is built next its number.
func (r *Roll) number() {
	line := r.Line(r.Build.Views[0])
	line.Last++
	r.Build.Number, r.Build.Phase = line.Last, Making
}

// at gives the line that is being built, if the build is in a phase of a
// generation.
func (r *Roll) at(number int, phase Phase) (*Line, error) {
	if r.Build == nil || r.Build.Number != number || r.Build.Phase != phase {
		return nil, ErrMoved
	}
	return r.Line(r.Build.Views[0]), nil
}

// Made puts a generation on the roll that was made; all follow it from now on. One
// of the search index is made of the rows that answer.
func (r *Roll) Made(number int) error {
	line, err := r.at(number, Making)
	if err != nil {
		return err
	}
	line.Fills, r.Build.Phase = number, Filling
	if line == &r.Search {
		of := maps.Clone(line.Of)
		if of == nil {
			of = map[int]int{}
		}
		of[number] = r.Rows.Answers
		line.Of = of
	}
	return nil
}

// Filled notes that a generation has everything.
func (r *Roll) Filled(number int) error {
	if _, err := r.at(number, Filling); err != nil {
		return err
	}
	r.Build.Phase = Comparing
	return nil
}

// Switch lets a generation answer that was compared, and keeps the one before. The
// build goes on with the next line, or is over.
func (r *Roll) Switch(number int, compared uint64, differences []string, now time.Time) error {
	line, err := r.at(number, Comparing)
	if err != nil {
		return err
	}
	line.Kept, line.Answers, line.Fills = line.Answers, number, 0
	if r.Outcome == nil {
		r.Outcome = &Outcome{ID: r.Build.ID}
	}
	r.Outcome.Views = append(slices.Clone(r.Outcome.Views), r.Build.Views[0])
	r.Outcome.Compared += compared
	r.Outcome.Differences = append(slices.Clone(r.Outcome.Differences), differences...)
	r.Outcome.Ended = now
	if r.Build.Views = r.Build.Views[1:]; len(r.Build.Views) > 0 {
		r.number()
		return nil
	}
	r.Build = nil
	return nil
}

// Fail ends the build. What it has made leaves.
func (r *Roll) Fail(why string, compared uint64, differences []string, now time.Time) error {
	if r.Build == nil {
		return ErrNone
	}
	line := r.Line(r.Build.Views[0])
	line.leave(r.Build.Number)
	line.Fills = 0
	done := []string(nil)
	if r.Outcome != nil {
		done = r.Outcome.Views
	}
	r.Outcome = &Outcome{ID: r.Build.ID, Views: done, Ended: now, Failed: why, Compared: compared, Differences: differences}
	r.Build = nil
	return nil
}

func (l *Line) leave(number int) {
	l.Leaving = append(slices.Clone(l.Leaving), number)
}

// Back lets the generations that are kept answer again, and keeps those that did.
// Without names it is all lines that have one.
func (r *Roll) Back(views ...string) error {
	lines, err := r.kept(views)
	if err != nil {
		return err
	}
	for _, name := range lines {
		line := r.Line(name)
		line.Answers, line.Kept = line.Kept, line.Answers
	}
	return nil
}

// Drop lets the generations that are kept leave.
func (r *Roll) Drop(views ...string) error {
	lines, err := r.kept(views)
	if err != nil {
		return err
	}
	if slices.Contains(lines, Rows) {
		for _, number := range r.Search.Followed() {
			leaves := slices.Contains(r.Search.Leaving, number) || number == r.Search.Kept && slices.Contains(lines, Search)
			if !leaves && r.Search.Of[number] == r.Rows.Kept {
				return fmt.Errorf("%w: search %d of rows %d; rebuild it first", ErrNeeded, number, r.Rows.Kept)
			}
		}
	}
	for _, name := range lines {
		line := r.Line(name)
		line.leave(line.Kept)
		line.Kept = 0
	}
	return nil
}

func (r *Roll) kept(views []string) ([]string, error) {
	if r.Build != nil {
		return nil, ErrBusy
	}
	all := len(views) == 0
	if all {
		views = []string{Rows, Search}
	}
	var lines []string
	for _, view := range views {
		line := r.Line(view)
		switch {
		case line != nil && line.Kept != 0:
			lines = append(lines, view)
		case !all:
			return nil, fmt.Errorf("%w: none of %s is kept", ErrNone, view)
		}
	}
	if len(lines) == 0 {
		return nil, fmt.Errorf("%w: none is kept", ErrNone)
	}
	return lines, nil
}

// Gone takes a generation off the roll that nobody answers from, and whose table or
// index is no more. One of rows stays for as long as the search index needs it.
func (r *Roll) Gone(view string, number int) error {
	line := r.Line(view)
	if line == nil || !slices.Contains(line.Leaving, number) {
		return ErrMoved
	}
	line.Leaving = slices.DeleteFunc(slices.Clone(line.Leaving), func(n int) bool { return n == number })
	if line.Of != nil {
		line.Of = maps.Clone(line.Of)
		delete(line.Of, number)
	}
	return nil
}
