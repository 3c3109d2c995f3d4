package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/seed5b6a70b4/identity/internal/audit"
)

// findings are what an audit told, as far as it is shown.
type findings struct {
	show  int
	print io.Writer // nil keeps them for later
	kept  []audit.Finding
	count int
}

func (f *findings) add(found audit.Finding) {
	if f.count++; f.count > f.show {
		return
	}
	if f.print != nil {
		_, _ = fmt.Fprintln(f.print, found)
		return
	}
	f.kept = append(f.kept, found)
}

func (f *findings) hidden() int { return max(0, f.count-f.show) }

// limit is the part of a list that is shown.
func (f *findings) limit(list []audit.Finding) []audit.Finding { return list[:min(len(list), f.show)] }

// summarise prints the totals, and what repairs came to.
func (f *findings) summarise(out io.Writer, v *verdict, took time.Duration) error {
	if hidden := f.hidden(); hidden > 0 {
		_, _ = fmt.Fprintf(out, "and %d more\n", hidden)
	}
	if v.Repaired > 0 {
		_, _ = fmt.Fprintf(out, "%d were made anew and audited again; %d are left\n", v.Repaired, v.Drift)
		for _, left := range f.limit(v.Remaining) {
			_, _ = fmt.Fprintf(out, "left: %s\n", left)
		}
	}
	if v.Left != "" {
		_, _ = fmt.Fprintf(out, "not made anew: %s\n", v.Left)
	}
	_, err := fmt.Fprintf(out, "%d transactions, %d commits, %d streams: %d users, %d groups, %d memberships, %d claims, %d keys; %d rows, %d documents, %d notices, %d nested groups compared in %s\n",
		v.Transactions, v.Commits, v.Streams, v.Users, v.Groups, v.Memberships, v.Claims, v.Keys, v.Rows, v.Documents, v.Notices, v.Edges, took.Round(time.Millisecond))
	switch {
	case err != nil:
		return err
	case v.Drift > 0:
		for _, part := range slices.Sorted(maps.Keys(v.Parts)) {
			_, _ = fmt.Fprintf(out, "%s: %d\n", part, v.Parts[part])
		}
	case v.Repaired > 0:
		_, err = fmt.Fprintln(out, "no drift any more")
	default:
		_, err = fmt.Fprintln(out, "no drift")
	}
	return err
}

// json prints everything as one object.
func (f *findings) json(out io.Writer, v *verdict) error {
	v.Remaining = f.limit(v.Remaining)
	return json.NewEncoder(out).Encode(struct {
		Findings []audit.Finding `json:"findings"`
		Hidden   int             `json:"hidden"`
		*verdict
	}{append([]audit.Finding{}, f.kept...), f.hidden(), v})
}
