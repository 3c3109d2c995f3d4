package awshttp

import (
	"io"
	"net/http"
)

// Doer is what sends the SDK's requests: aws.HTTPClient.
type Doer interface {
	Do(request *http.Request) (*http.Response, error)
}

// Steady gives a client over which replies come whole.
//
// The SDK closes a request's body as soon as the reply begins. A transport of
// net/http that is still about to look whether the body has more in it is then
// told io.EOF by the body's WriteTo, where Read would have told it the same as
// the end; it takes that for an error and closes the connection under the reply,
// which breaks off with "use of closed network connection". So bodies are shown
// to the transport without WriteTo.
//
// A client that is steady already is given as it is. It may be used concurrently
// if the other may.
func Steady(client Doer) Doer {
	if steady, ok := client.(readBodies); ok {
		return steady
	}
	return readBodies{client}
}

type readBodies struct{ next Doer }

func (r readBodies) Do(request *http.Request) (*http.Response, error) {
	if _, ok := request.Body.(io.WriterTo); ok {
		shallow := *request
		shallow.Body = struct{ io.ReadCloser }{request.Body}
		request = &shallow
	}
	return r.next.Do(request)
}
