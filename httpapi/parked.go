package httpapi

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// Parking knows the streams that views cannot apply. Its methods may be called
// concurrently.
type Parking interface {
	// Parked lists all of them, by view and stream; also what search indexes refused.
	Parked(ctx context.Context) ([]Parked, error)
	// Retry tries a stream again: eventstream.ErrParked if it still cannot be applied,
	// domain.NotFound for a view that there is not. One that is not parked is no
	// error.
	Retry(ctx context.Context, view string, stream eventstream.StreamID) error
}

// Parked is a stream that a view cannot apply.
type Parked struct {
	View   string
	Stream eventstream.StreamID
	// Seq is the first commit that could not be applied.
	Seq    eventstream.Seq
	Reason string
	// Since is when it was parked, Attempts how often it was tried.
	Since    time.Time
	Attempts int
}

// mostParked is how many are shown at most.
const mostParked = 1000

func (a *api) parkedRoutes() []route {
	if a.config.Parking == nil {
		return nil
	}
	return []route{
		{
			method: http.MethodGet, path: "/parked", scope: domain.AdminScope, id: "getParked", tag: "views",
			summary: "The streams that views cannot apply", description: "At most 1000 of them; `total` counts all. Everything else goes on without them.",
			answers: []answer{{status: http.StatusOK, text: "What is parked, by view and stream.", schema: "ParkedList", example: parkedExample}},
			serve:   getParked,
		},
		{
			method: http.MethodPost, path: "/parked:retry", scope: domain.AdminScope, id: "retryParked", tag: "views",
			summary: "Try a parked stream again", description: "It is taken off the list if it can be applied by now. One that is not parked is no error.",
			body:     &bodySpec{schema: "ParkedStream", types: postTypes, example: retryExample},
			answers:  []answer{{status: http.StatusNoContent, text: "It is not parked any more."}},
			refusals: []int{http.StatusNotFound}, serve: retryParked,
		},
	}
}

func getParked(ctx context.Context, x *exchange) error {
	all, err := x.api.config.Parking.Parked(ctx)
	if err != nil {
		return err
	}
	dst := append(x.out[:0], `{"items":[`...)
	for i := range all[:min(len(all), mostParked)] {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = all[i].append(dst)
	}
	dst = append(dst, `],"total":`...)
	x.out = append(strconv.AppendInt(dst, int64(len(all)), 10), '}')
	x.Header()["Cache-Control"] = noStore
	x.send(http.StatusOK, jsonType)
	return nil
}

func (p *Parked) append(dst []byte) []byte {
	dst = appendString(append(dst, `{"view":`...), p.View)
	dst = appendString(append(dst, `,"stream":`...), string(p.Stream))
	dst = strconv.AppendUint(append(dst, `,"seq":`...), uint64(p.Seq), 10)
	dst = appendString(append(dst, `,"reason":`...), p.Reason)
	dst = appendTime(append(dst, `,"since":`...), p.Since)
	return append(strconv.AppendInt(append(dst, `,"attempts":`...), int64(p.Attempts), 10), '}')
}

func retryParked(ctx context.Context, x *exchange) error {
	var view, stream string
	err := x.readObject(postTypes, func(b *body, name string, value jsontext.Value) {
		pointer := "/" + name
		switch name {
		case "view":
			view = readValue(b, pointer, value, false, parseName).Value
		case "stream":
			stream = readValue(b, pointer, value, false, parseName).Value
		default:
			b.unknown("", name)
		}
	}, func(b *body) {
		for _, required := range [][2]string{{"/view", view}, {"/stream", stream}} {
			if required[1] == "" && len(b.errors) == 0 {
				b.wrong(required[0], isRequired)
			}
		}
	})
	if err != nil {
		return err
	}
	if err := x.api.config.Parking.Retry(ctx, view, eventstream.StreamID(stream)); err != nil {
		return err
	}
	x.Header()["Cache-Control"] = noStore
	x.WriteHeader(http.StatusNoContent)
	return nil
}

// parseName takes the name of a view or of a stream, whatever there is.
func parseName(text string) (string, error) {
	if len(text) == 0 || len(text) > eventstream.MaxStreamID {
		return "", domain.Refuse(domain.Invalid, "", "must be 1 to "+strconv.Itoa(eventstream.MaxStreamID)+" bytes")
	}
	return text, nil
}
