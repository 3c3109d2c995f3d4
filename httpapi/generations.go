package httpapi

import (
	"context"
	"errors"
	"time"
)

// Views is what keeps the views in generations: the one that answers, perhaps one
// that is built beside it, perhaps one that is kept for going back. Its methods
// may be called concurrently.
type Views interface {
	// Rebuild begins to build a new generation of the views, and of those that are
	// made from them. It returns once that has begun: ErrRebuilding if another
	// build is under way, ErrNoSuchView for a view that is not there.
	Rebuild(ctx context.Context, order RebuildOrder) error
	// Back has the generations answer that were kept, and keeps those that answered:
	// ErrNothingKept if none is.
	Back(ctx context.Context) error
	// Drop lets go of everything that does not answer: it stops a build under way,
	// and drops what is kept. It is no error if there is nothing.
	Drop(ctx context.Context) error
	// Generations tells how everything is.
	Generations(ctx context.Context) (Generations, error)
}

// Why Views refuses.
var (
	ErrRebuilding  = errors.New("another rebuild is under way")
	ErrNothingKept = errors.New("no earlier generation is kept")
	ErrNoSuchView  = errors.New("there is no such view here")
)

// The views, as a rebuild names them.
const (
	RowsView    = "rows"
	SearchView  = "search"
	ClosureView = "closure"
)

// RebuildOrder is what to build anew.
type RebuildOrder struct {
	Views []string `json:"views"`
	// Force switches also to what differs from the generation that answers.
	Force bool `json:"force,omitempty"`
	// Rate is the most commits, rows or documents that are handled in a second, up to
	// MaxRebuildRate; 0 is as many as can be.
	Rate int `json:"rate,omitempty"`
}

// MaxRebuildRate is the highest rate that a rebuild can be held to.
const MaxRebuildRate = 10_000_000

// Generations is how the views are.
type Generations struct {
	Views []GenerationView `json:"views"`
	// Rebuild is the build that is under way, or the last one that ended.
	Rebuild *Rebuild `json:"rebuild,omitempty"`
}

// GenerationView is one view's generations, the one that answers first.
type GenerationView struct {
	View        string       `json:"view"`
	Generations []Generation `json:"generations"`
}

// Add puts one more generation behind the others, where the store numbers its
// transactions and ends at a position.
func (v *GenerationView) Add(number uint64, name, state string, position, end uint64) {
	v.Generations = append(v.Generations, Generation{Number: number, Name: name, State: state, Position: position, Behind: end - min(position, end)})
}

// How a generation stands.
const (
	Answering = "answering"
	Building  = "building"
	Kept      = "kept"
)

// Generation is one generation of a view.
type Generation struct {
	Number uint64 `json:"number"`
	// Name is what metrics and /readyz call it.
	Name string `json:"name"`
	// State is Answering, Building or Kept.
	State string `json:"state"`
	// Position is up to where it has applied the store's transactions, and Behind
	// how many it has still to apply, where the store numbers them.
	Position uint64 `json:"position,omitempty"`
	Behind   uint64 `json:"behind,omitempty"`
}

// How a rebuild stands.
const (
	Running = "running"
	Done    = "done"
	Failed  = "failed"
)

// Rebuild is how a rebuild does.
type Rebuild struct {
	// Number tells this rebuild from others of the same process.
	Number uint64   `json:"number"`
	Views  []string `json:"views"`
	// State is Running, Done or Failed; Reason says why it failed.
	State  string `json:"state"`
	Reason string `json:"reason,omitempty"`
	// Stage is what is being done, Done how much of Total that is; PerSecond is the
	// stage's rate, SecondsLeft how long it will take at that.
	Stage       string       `json:"stage,omitempty"`
	Done        uint64       `json:"done"`
	Total       uint64       `json:"total"`
	PerSecond   float64      `json:"perSecond"`
	SecondsLeft float64      `json:"secondsLeft"`
	StartedAt   Instant      `json:"startedAt"`
	EndedAt     *Instant     `json:"endedAt,omitempty"`
	Comparisons []Comparison `json:"comparisons,omitempty"`
}

// Comparison is what came of comparing a new generation with what it was to be.
type Comparison struct {
	View string `json:"view"`
	// Compared counts rows, or documents; Buckets is into how many they were put,
	// and Sampled how many were compared field by field.
	Compared uint64 `json:"compared"`
	Buckets  int    `json:"buckets"`
	Sampled  int    `json:"sampled"`
	// Differing counts those that differ, Differences are some of them.
	Differing   uint64       `json:"differing"`
	Differences []Difference `json:"differences,omitempty"`
}

// Difference names what differs, never the values.
type Difference struct {
	Stream string   `json:"stream"`
	Seq    uint64   `json:"seq"`
	Fields []string `json:"fields"`
}

// Instant is a time as the wire has it.
type Instant struct{ time.Time }

// MarshalJSON implements json.Marshaler.
func (i Instant) MarshalJSON() ([]byte, error) { return appendTime(nil, i.Time), nil }
