package httpapi

import (
	"log/slog"
	"net/http"
	"time"
)

// Limits of a connection. A client that is slower than these is cut off, so that
// it cannot hold a connection, or a drain, for longer.
const (
	// headerTime is for sending the request line and the headers.
	headerTime = 5 * time.Second
	// readTime is for sending the whole request, from its first byte.
	readTime = 30 * time.Second
	// writeTime is for the answer, counted from the end of the request's headers:
	// longer than the work on a request may take.
	writeTime = 60 * time.Second
	// idleTime is how long a connection may wait for its next request.
	idleTime = 2 * time.Minute
	// maxHeaderBytes is for the request line and all headers: 16 tokens of 2 KiB,
	// and as much again for everything else. net/http answers 431 beyond it.
	maxHeaderBytes = 64 << 10
)

// NewServer makes a server around the handler with limits against slow clients
// and floods of headers: 5 s for the headers, 30 s for the whole request, 60 s
// for the answer, 2 min idle, 64 KiB of headers. The caller listens, serves and
// shuts it down. Complaints about connections go to the logger, if there is one.
func NewServer(handler http.Handler, logger *slog.Logger) *http.Server {
	s := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: headerTime,
		ReadTimeout:       readTime,
		WriteTimeout:      writeTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    maxHeaderBytes,
		// What net/http answers to OPTIONS * by itself has no request id.
		DisableGeneralOptionsHandler: true,
	}
	if logger != nil {
		s.ErrorLog = slog.NewLogLogger(logger.Handler(), slog.LevelDebug)
	}
	return s
}
