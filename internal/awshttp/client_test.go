package awshttp_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go/middleware"

	"github.com/seed5b6a70b4/identity/internal/awshttp"
)

// slow is a connection that does not return from writing a body before the SDK
// has closed it, which it does when the reply has begun.
type slow struct {
	net.Conn
	bodyClosed <-chan struct{}
}

func (s slow) Write(data []byte) (int, error) {
	n, err := s.Conn.Write(data)
	if strings.Contains(string(data), "SOME-TABLE") {
		<-s.bodyClosed
	}
	return n, err
}

// ReadFrom keeps net/http from another way to the connection.
func (s slow) ReadFrom(r io.Reader) (int64, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return 0, err
	}
	n, err := s.Write(data)
	return int64(n), err
}

// TestAReplyMayBeginBeforeTheRequestIsDone: the connection is left open then.
func TestAReplyMayBeginBeforeTheRequestIsDone(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			t.Error(err)
		}
		if _, err := io.WriteString(w, `{"Items":[]}`); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(server.Close)
	bodyClosed, written := make(chan struct{}), make(chan error, 1)
	transport := &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
		return slow{conn, bodyClosed}, err
	}}
	t.Cleanup(transport.CloseIdleConnections)
	closing := sync.OnceFunc(func() { close(bodyClosed) })
	t.Cleanup(closing)
	client := dynamodb.New(dynamodb.Options{
		Region: "us-east-1", BaseEndpoint: &server.URL, Credentials: aws.AnonymousCredentials{}, Retryer: aws.NopRetryer{},
		HTTPClient: awshttp.Steady(awshttp.Steady(&http.Client{Transport: transport})),
		APIOptions: []func(*middleware.Stack) error{func(stack *middleware.Stack) error {
			return stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("begun", func(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (middleware.DeserializeOutput, middleware.Metadata, error) {
				out, metadata, err := next.HandleDeserialize(ctx, in)
				closing()
				if failure := <-written; failure != nil {
					t.Errorf("the request is said to have failed: %v", failure)
				}
				return out, metadata, err
			}), middleware.After)
		}},
	})
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		WroteRequest: func(info httptrace.WroteRequestInfo) { written <- info.Err },
	})
	if _, err := client.Query(ctx, &dynamodb.QueryInput{TableName: aws.String("SOME-TABLE")}); err != nil {
		t.Error(err)
	}
}
