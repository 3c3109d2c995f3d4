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
	// Closure is in the memory of each process, so none is kept, and there is nothing
	// to be made or to be followed: its number says how often all were told to fold it
	// anew.
	Closure = "closure"
)

// What keeps a change from being made.
var (
	// ErrBusy: a build is under way.
	ErrBusy = errors.New("a rebuild is under way")
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
	// Search is zero where there is no search index.
	Search  Line `json:"search"`
	Closure Line `json:"closure"`
	// Build is the rebuild that is under way, nil if none is; Outcome is what became
	// of the last one.
	Build   *Build   `json:"build,omitempty"`
	Outcome *Outcome `json:"outcome,omitempty"`
	// Builds counts the rebuilds there were.
	Builds uint64 `json:"builds,omitempty"`
}

// Line is the generations of one kind. Zero is none.
type Line struct {
	Answers int `json:"answers"`
	// Fills is followed, but nobody is answered from it yet.
	Fills int `json:"fills,omitempty"`
	Kept  int `json:"kept,omitempty"`
	// Leaving are followed for a while still, because somebody who has not heard may
	// answer from them, or an index is made of them. Removed are not: what is left of
	// them is being deleted.
	Leaving []int `json:"leaving,omitempty"`
	Removed []int `json:"removed,omitempty"`
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
	ID uint64 `json:"id"`
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
	ID uint64 `json:"id"`
	// Views are those that were switched.
	Views []string  `json:"views,omitempty"`
	Began time.Time `json:"began"`
	Ended time.Time `json:"ended"`
	// Failed says why it did not get to its end; empty if it did. It names no values.
	Failed      string       `json:"failed,omitempty"`
	Comparisons []Comparison `json:"comparisons,omitempty"`
}

// Comparison is what came of comparing a generation.
type Comparison struct {
	View string `json:"view"`
	// Compared is how many rows or documents there were, in how many Buckets, of which
	// some were Sampled field by field.
	Compared uint64 `json:"compared"`
	Buckets  int    `json:"buckets"`
	Sampled  int    `json:"sampled"`
	// Differing is how many differ, and Differences are some of them.
	Differing   uint64       `json:"differing"`
	Differences []Difference `json:"differences,omitempty"`
}

// Difference names a stream and the fields that differ, never what they say.
type Difference struct {
	Stream string   `json:"stream"`
	Seq    uint64   `json:"seq"`
	Fields []string `json:"fields"`
}

// New is the roll of a directory that was never rebuilt and has no search index.
func New() *Roll {
	return &Roll{Rows: Line{Answers: 1, Last: 1}, Closure: Line{Answers: 1, Last: 1}}
}

// Index puts a generation of the search index on the roll, made of the rows that
// answer: the first, if rows of their first generation answer, so that one is taken
// that was there before the roll told of it. If one answers already it is ErrMoved.
func (r *Roll) Index() error {
	if r.Search.Answers != 0 {
		return ErrMoved
	}
	if r.Build != nil {
		return ErrBusy
	}
	if r.Rows.Answers != 1 {
		r.stray()
	}
	r.Search.Last++
	r.Search.Answers = r.Search.Last
	r.Search.of(r.Search.Answers, r.Rows.Answers)
	return nil
}

// stray removes an index that may be there though none was ever on the roll, as one
// was taken for granted once: it was made of the first rows, and perhaps by other
// rules.
func (r *Roll) stray() {
	if line := &r.Search; line.Last == 0 {
		line.Last, line.Removed = 1, append(slices.Clone(line.Removed), 1)
	}
}

// of notes of which rows an index is made.
func (l *Line) of(number, rows int) {
	of := maps.Clone(l.Of)
	if of == nil {
		of = map[int]int{}
	}
	of[number] = rows
	l.Of = of
}

// Line gives a line by its name; nil if there is none.
func (r *Roll) Line(name string) *Line {
	switch name {
	case Rows:
		return &r.Rows
	case Search:
		return &r.Search
	case Closure:
		return &r.Closure
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

// Start begins a rebuild of some lines, the closure first, rows before the search
// index. What they keep leaves.
func (r *Roll) Start(build Build, views ...string) error {
	if r.Build != nil {
		return ErrBusy
	}
	build.Views = nil
	for _, view := range []string{Closure, Rows, Search} {
		if slices.Contains(views, view) {
			build.Views = append(build.Views, view)
		}
	}
	for _, view := range views {
		if r.Line(view) == nil {
			return fmt.Errorf("%w: %q", ErrNone, view)
		}
	}
	if len(build.Views) == 0 {
		return ErrNone
	}
	for _, view := range build.Views {
		r.Line(view).drop()
	}
	r.Builds++
	build.ID = r.Builds
	r.Build, r.Outcome = &build, &Outcome{ID: build.ID, Began: build.Began}
	r.number()
	return nil
}

func (l *Line) drop() {
	if l.Kept != 0 {
		l.Leaving, l.Kept = append(slices.Clone(l.Leaving), l.Kept), 0
	}
}

// number gives the generation that is built next its number.
func (r *Roll) number() {
	line := r.Line(r.Build.Views[0])
	if line == &r.Search {
		r.stray()
	}
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
	if line == &r.Closure {
		return ErrMoved
	}
	line.Fills, r.Build.Phase = number, Filling
	if line == &r.Search {
		line.of(number, r.Rows.Answers)
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
func (r *Roll) Switch(number int, compared Comparison, now time.Time) error {
	line, err := r.at(number, Comparing)
	if err != nil {
		return err
	}
	line.drop()
	line.Kept, line.Answers, line.Fills = line.Answers, number, 0
	r.advance(compared, now)
	return nil
}

// Folded has every process fold the closure anew, as the one did that builds. The
// build goes on with the next line, or is over.
func (r *Roll) Folded(number int, compared Comparison, now time.Time) error {
	line, err := r.at(number, Making)
	if err != nil {
		return err
	}
	if line != &r.Closure {
		return ErrMoved
	}
	line.Answers = number
	r.advance(compared, now)
	return nil
}

// advance notes what became of a line, and goes on with the next.
func (r *Roll) advance(compared Comparison, now time.Time) {
	r.Outcome.Views = append(slices.Clone(r.Outcome.Views), r.Build.Views[0])
	r.Outcome.Comparisons = append(slices.Clone(r.Outcome.Comparisons), compared)
	r.Outcome.Ended = now
	if r.Build.Views = r.Build.Views[1:]; len(r.Build.Views) > 0 {
		r.number()
		return
	}
	r.Build = nil
}

// Fail ends the build. What it has made leaves.
func (r *Roll) Fail(why string, compared *Comparison, now time.Time) error {
	if r.Build == nil {
		return ErrNone
	}
	line := r.Line(r.Build.Views[0])
	line.Fills = 0
	switch {
	case line == &r.Closure:
	case r.Build.Phase == Making: // nobody follows it, and it may not be there
		line.Removed = append(slices.Clone(line.Removed), r.Build.Number)
	default:
		line.Leaving = append(slices.Clone(line.Leaving), r.Build.Number)
	}
	r.Outcome.Failed, r.Outcome.Ended = why, now
	if compared != nil {
		r.Outcome.Comparisons = append(slices.Clone(r.Outcome.Comparisons), *compared)
	}
	r.Build = nil
	return nil
}

// Back lets the generations that are kept answer again, and keeps those that did.
func (r *Roll) Back() error {
	if r.Build != nil {
		return ErrBusy
	}
	none := true
	for _, line := range []*Line{&r.Rows, &r.Search} {
		if line.Kept != 0 {
			line.Answers, line.Kept, none = line.Kept, line.Answers, false
		}
	}
	if none {
		return ErrNone
	}
	return nil
}

// Drop lets everything leave that does not answer; a build under way fails.
func (r *Roll) Drop(now time.Time) error {
	if r.Build != nil {
		if err := r.Fail("it was told to stop", nil, now); err != nil {
			return err
		}
	}
	r.Rows.drop()
	r.Search.drop()
	return nil
}

// Needed tells whether a generation of rows is what an index is made of that is
// followed.
func (r *Roll) Needed(rows int) bool {
	return slices.ContainsFunc(r.Search.Followed(), func(number int) bool { return r.Search.Of[number] == rows })
}

// Remove lets nobody follow a generation any more that was leaving, for so long
// that nobody can answer from it.
func (r *Roll) Remove(view string, number int) error {
	line := r.Line(view)
	switch {
	case line == nil || !slices.Contains(line.Leaving, number):
		return ErrMoved
	case view == Rows && r.Needed(number):
		return ErrNeeded
	}
	line.Leaving, line.Removed = without(line.Leaving, number), append(slices.Clone(line.Removed), number)
	return nil
}

// Gone takes a generation off the roll of which nothing is left.
func (r *Roll) Gone(view string, number int) error {
	line := r.Line(view)
	if line == nil || !slices.Contains(line.Removed, number) {
		return ErrMoved
	}
	line.Removed = without(line.Removed, number)
	if line.Of != nil {
		line.Of = maps.Clone(line.Of)
		delete(line.Of, number)
	}
	return nil
}

func without(numbers []int, number int) []int {
	return slices.DeleteFunc(slices.Clone(numbers), func(n int) bool { return n == number })
}
