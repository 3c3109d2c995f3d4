package main

import (
	"bufio"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// measured are the metrics of a service, by name and labels as they are written.
type measured map[string][]sample

// sample is one value of a metric.
type sample struct {
	labels map[string]string
	value  float64
}

// readMetrics reads the text form of Prometheus; lines that are none it passes
// over.
func readMetrics(from io.Reader) (measured, error) {
	found := measured{}
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		name, rest := lines.Text(), ""
		if at := strings.IndexAny(name, "{ "); at > 0 {
			name, rest = name[:at], name[at:]
		}
		if strings.HasPrefix(name, "#") || rest == "" {
			continue
		}
		labels, rest := readLabels(rest)
		value, err := strconv.ParseFloat(strings.TrimSpace(rest), 64)
		if err == nil {
			found[name] = append(found[name], sample{labels, value})
		}
	}
	return found, lines.Err()
}

// readLabels reads what stands in braces, if anything does, and gives the rest.
func readLabels(text string) (labels map[string]string, rest string) {
	if !strings.HasPrefix(text, "{") {
		return nil, text
	}
	labels = map[string]string{}
	text = text[1:]
	for text != "" && text[0] != '}' {
		name, quoted, is := strings.Cut(text, "=")
		prefix, err := strconv.QuotedPrefix(quoted)
		value, unquoteErr := strconv.Unquote(prefix)
		if !is || err != nil || unquoteErr != nil {
			return labels, ""
		}
		labels[name] = value
		text = strings.TrimPrefix(quoted[len(prefix):], ",")
	}
	return labels, strings.TrimPrefix(text, "}")
}

// sum adds up a metric's values whose labels are chosen; nil chooses all.
func (m measured) sum(name string, chosen func(map[string]string) bool) (sum float64) {
	for _, s := range m[name] {
		if chosen == nil || chosen(s.labels) {
			sum += s.value
		}
	}
	return sum
}

// quantile estimates, from what was added to a histogram since an earlier look,
// below what a share of the observations lies; NaN if there were none.
func (m measured) quantile(before measured, name string, share float64) float64 {
	added := map[float64]float64{}
	for _, one := range []struct {
		of   measured
		sign float64
	}{{m, 1}, {before, -1}} {
		for _, s := range one.of[name+"_bucket"] {
			if upTo, err := strconv.ParseFloat(s.labels["le"], 64); err == nil {
				added[upTo] += one.sign * s.value
			}
		}
	}
	bounds := make([]float64, 0, len(added))
	for bound := range added {
		bounds = append(bounds, bound)
	}
	slices.Sort(bounds)
	if len(bounds) == 0 || added[bounds[len(bounds)-1]] <= 0 {
		return math.NaN()
	}
	wanted, below, lower := share*added[bounds[len(bounds)-1]], 0.0, 0.0
	for _, bound := range bounds {
		if added[bound] >= wanted {
			if math.IsInf(bound, 1) {
				return lower
			}
			return lower + (bound-lower)*(wanted-below)/max(added[bound]-below, 1e-9)
		}
		below, lower = added[bound], bound
	}
	return lower
}
