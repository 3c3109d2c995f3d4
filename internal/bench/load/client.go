// Package load drives a server over HTTP with as little work of its own as can
// be, because it shares the machine with what it measures.
package load

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http/httputil"
	"strconv"
)

// Request is one HTTP request, whole, as bytes on the wire.
type Request []byte

// NewRequest writes a request with a bearer key; headers are "Name: value".
func NewRequest(method, target, key string, body []byte, headers ...string) Request {
	var out bytes.Buffer
	fmt.Fprintf(&out, "%s %s HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer %s\r\n", method, target, key)
	for _, header := range headers {
		out.WriteString(header + "\r\n")
	}
	if body != nil {
		kind := "application/json"
		if method == "PATCH" {
			kind = "application/merge-patch+json"
		}
		fmt.Fprintf(&out, "Content-Type: %s\r\nContent-Length: %d\r\n", kind, len(body))
	}
	out.WriteString("\r\n")
	out.Write(body)
	return out.Bytes()
}

// Response is what matters of an answer. It is good until the next request on
// its connection.
type Response struct {
	Status      int
	ETag        string
	Consistency string
	Body        []byte
}

// Conn is one connection, for one goroutine.
type Conn struct {
	conn net.Conn
	in   *bufio.Reader
	body []byte
}

// Dial connects to an address.
func Dial(address string) (*Conn, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	return &Conn{conn: conn, in: bufio.NewReaderSize(conn, 16<<10)}, nil
}

// Close ends the connection.
func (c *Conn) Close() error { return c.conn.Close() }

// Do sends a request and reads its answer.
func (c *Conn) Do(request Request) (Response, error) {
	if _, err := c.conn.Write(request); err != nil {
		return Response{}, err
	}
	line, err := c.in.ReadSlice('\n')
	if err != nil || len(line) < 12 {
		return Response{}, fmt.Errorf("status line %q: %w", line, err)
	}
	var response Response
	if response.Status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return Response{}, err
	}
	length, chunked := 0, false
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return Response{}, err
		}
		if line = bytes.TrimRight(line, "\r\n"); len(line) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(": "))
		switch {
		case bytes.EqualFold(name, []byte("Content-Length")):
			length, _ = strconv.Atoi(string(value))
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			chunked = true
		case bytes.EqualFold(name, []byte("ETag")):
			response.ETag = string(value)
		case bytes.EqualFold(name, []byte("X-Consistency")):
			response.Consistency = string(value)
		}
	}
	response.Body, err = c.readBody(length, chunked)
	return response, err
}

func (c *Conn) readBody(length int, chunked bool) ([]byte, error) {
	if chunked {
		body, err := io.ReadAll(httputil.NewChunkedReader(c.in))
		if err == nil {
			_, err = c.in.ReadSlice('\n') // the end of the trailer, which is empty
		}
		return body, err
	}
	if cap(c.body) < length {
		c.body = make([]byte, length)
	}
	c.body = c.body[:length]
	_, err := io.ReadFull(c.in, c.body)
	return c.body, err
}
