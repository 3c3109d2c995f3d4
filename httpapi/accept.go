package httpapi

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// varyAccept is for answers whose form the client chooses.
var varyAccept = []string{"Accept"}

// formsOf are the media types beside JSON that clients of the route may ask for.
func (rt *route) formsOf() (forms []string) {
	if rt.method != http.MethodGet {
		return nil
	}
	for i := range rt.answers {
		for _, c := range rt.answers[i].more {
			forms = append(forms, c.media)
		}
	}
	return forms
}

// wants gives which of the route's forms the client likes best, by the weights of
// RFC 9110 section 12.5.1; empty is JSON. Of equal weights the first counts. A form
// other than JSON must be asked for by its name: some do not end, and a wildcard is
// content with what everybody gets. Who accepts none gets JSON, too.
func (x *exchange) wants() string {
	if len(x.route.forms) == 0 {
		return ""
	}
	json, best := preference{}, preference{}
	place := 0
	for _, line := range x.r.Header["Accept"] {
		for element := range strings.SplitSeq(line, ",") {
			place++
			media, parameters, _ := strings.Cut(element, ";")
			media = strings.Trim(media, " \t")
			p := preference{exactness: exactly, weight: weightOf(parameters), place: place}
			if json.take(media, p) {
				continue
			}
			form := slices.IndexFunc(x.route.forms, func(form string) bool { return strings.EqualFold(form, media) })
			if form >= 0 && p.weight > best.weight {
				p.media = x.route.forms[form]
				best = p
			}
		}
	}
	if json.weight > best.weight || json.weight == best.weight && json.exactness == exactly && json.place < best.place {
		return ""
	}
	return best.media
}

// preference is how much a client likes a media type.
type preference struct {
	media     string
	exactness int
	weight    float64 // 0 is not acceptable
	place     int     // in the list
}

// How exactly a client names a media type.
const (
	anything = iota + 1
	anyOfType
	exactly
)

// take has p count for JSON if it is about that, and tells whether it is. What names
// it more exactly comes before what does not.
func (json *preference) take(media string, p preference) bool {
	switch {
	case strings.EqualFold(media, jsonType[0]):
	case strings.EqualFold(media, "application/*"):
		p.exactness = anyOfType
	case media == "*/*":
		p.exactness = anything
	default:
		return false
	}
	if p.exactness > json.exactness {
		*json = p
	}
	return true
}

// weightOf reads a weight; what is none is passed over.
func weightOf(parameters string) float64 {
	for parameter := range strings.SplitSeq(parameters, ";") {
		name, value, _ := strings.Cut(parameter, "=")
		if !strings.EqualFold(strings.Trim(name, " \t"), "q") {
			continue
		}
		if weight, err := strconv.ParseFloat(strings.Trim(value, " \t"), 64); err == nil && weight >= 0 && weight <= 1 {
			return weight
		}
	}
	return 1
}

func (x *exchange) wantsLines() bool { return x.wants() == linesMedia }

// refuseLimit refuses a limit beside an answer that has no pages.
func (x *exchange) refuseLimit() error {
	if _, given := x.param("limit"); given {
		return wrongParameter("limit", "cannot be combined with lines, which are all")
	}
	return nil
}
