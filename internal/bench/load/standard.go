package load

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// standard asks with the client of net/http.
type standard struct {
	base   string
	client *http.Client
}

func newStandard(address string) *standard {
	return &standard{"http://" + address, &http.Client{Transport: &http.Transport{MaxIdleConns: 1}}}
}

// Do asks what the bytes of a request ask.
func (s *standard) Do(request Request) (Response, error) {
	head, body, _ := bytes.Cut(request, []byte("\r\n\r\n"))
	first, headers, _ := strings.Cut(string(head), "\r\n")
	parts := strings.Fields(first)
	if len(parts) != 3 {
		return Response{}, fmt.Errorf("%q begins no request", first)
	}
	r, err := http.NewRequest(parts[0], s.base+parts[1], bytes.NewReader(body))
	if err != nil {
		return Response{}, err
	}
	for line := range strings.SplitSeq(headers, "\r\n") {
		if name, value, _ := strings.Cut(line, ": "); name != "Host" && name != "Content-Length" {
			r.Header.Set(name, value)
		}
	}
	answer, err := s.client.Do(r)
	if err != nil {
		return Response{}, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return Response{Status: answer.StatusCode, Body: text}, err
}

// Close closes the connection.
func (s *standard) Close() error {
	s.client.CloseIdleConnections()
	return nil
}
