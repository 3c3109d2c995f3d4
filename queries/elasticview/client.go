package elasticview

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/elastic/go-elasticsearch/v8/esapi"
	"github.com/go-json-experiment/json"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// ErrNotElasticsearch says that something answers which is no Elasticsearch.
var ErrNotElasticsearch = errors.New("what answers does not say that it is Elasticsearch")

// answerError is an answer that says no. It has the kind of the error only: its
// reason may quote what was sent.
type answerError struct {
	status int
	kind   string
}

func (e *answerError) Error() string {
	return fmt.Sprintf("Elasticsearch answers %d %s", e.status, e.kind)
}

func (e *answerError) Unwrap() error {
	if isPassing(e.status) {
		return eventstream.ErrUnavailable
	}
	return nil
}

// isPassing tells whether a request may succeed when it is made again.
func isPassing(status int) bool { return status == http.StatusTooManyRequests || status >= 500 }

// client calls Elasticsearch.
type client struct{ transport esapi.Transport }

// call makes a request and reads the answer into a value, unless that is nil.
func (c client) call(ctx context.Context, request esapi.Request, answer any) error {
	response, err := request.Do(ctx, c.transport)
	if err != nil {
		return fmt.Errorf("%w: %w", eventstream.ErrUnavailable, err)
	}
	defer response.Body.Close()
	if response.IsError() {
		return newAnswerError(response)
	}
	if response.Header.Get("X-Elastic-Product") != "Elasticsearch" {
		return ErrNotElasticsearch
	}
	if answer == nil {
		_, err = io.Copy(io.Discard, response.Body) // so that the connection is used again
	} else {
		err = json.UnmarshalRead(response.Body, answer)
	}
	if err != nil {
		return fmt.Errorf("read the answer: %w: %w", eventstream.ErrUnavailable, err)
	}
	return nil
}

func newAnswerError(response *esapi.Response) error {
	var said struct {
		Error failure `json:"error"`
	}
	e := &answerError{status: response.StatusCode}
	if json.UnmarshalRead(io.LimitReader(response.Body, 1<<20), &said) == nil {
		e.kind = said.Error.Type
	}
	return e
}

// failure is what Elasticsearch says of one.
type failure struct {
	Type string `json:"type"`
}

// isKind tells whether an error is an answer of a kind.
func isKind(err error, kind string) bool {
	var answer *answerError
	return errors.As(err, &answer) && answer.kind == kind
}

// isStatus tells whether an error is an answer with a status.
func isStatus(err error, status int) bool {
	var answer *answerError
	return errors.As(err, &answer) && answer.status == status
}

// object is JSON to be sent.
type object map[string]any

func (o object) reader() (io.Reader, error) {
	var text strings.Builder
	if err := json.MarshalWrite(&text, o); err != nil {
		return nil, fmt.Errorf("make a request: %w", err)
	}
	return strings.NewReader(text.String()), nil
}
