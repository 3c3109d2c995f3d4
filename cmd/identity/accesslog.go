package main

import (
	"io"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/seed5b6a70b4/identity/httpapi"
)

// accessLog writes a line for each request, as the service's log would, without
// what a line of that costs. What it is told of needs no escapes.
type accessLog struct {
	to   io.Writer
	form func(line []byte, a *httpapi.Access) []byte
}

var accessLines = sync.Pool{New: func() any { return new([]byte) }}

func newAccessLog(to io.Writer, format string) *accessLog {
	if format == "json" {
		return &accessLog{to, appendAccessJSON}
	}
	return &accessLog{to, appendAccessText}
}

// tell writes the line. A log that cannot be written is not the client's matter.
func (l *accessLog) tell(a *httpapi.Access) {
	line := accessLines.Get().(*[]byte)
	defer accessLines.Put(line)
	*line = append(l.form((*line)[:0], a), '\n')
	_, _ = l.to.Write(*line)
}

// appendMillis writes an instant as RFC 3339 says, in milliseconds. Package time
// is fast at nanoseconds only, of which the last digits are taken out again.
func appendMillis(line []byte, at time.Time) []byte {
	begin := len(line)
	at = at.Truncate(time.Millisecond).Add(time.Millisecond / 10) // so that there are digits to take
	line = at.AppendFormat(line, time.RFC3339Nano)
	const kept, taken = len("2006-01-02T15:04:05.000"), len("1")
	return append(line[:begin+kept], line[begin+kept+taken:]...)
}

func appendAccessText(line []byte, a *httpapi.Access) []byte {
	line = appendMillis(append(line, "time="...), a.At)
	line = appendTextValue(append(line, " level=INFO msg=request route="...), a.Route)
	line = strconv.AppendInt(append(line, " status="...), int64(a.Status), 10)
	line = strconv.AppendInt(append(line, " bytes="...), int64(a.Bytes), 10)
	line = append(append(line, " took="...), a.Took.String()...)
	line = appendTextValue(append(line, " actor="...), a.Actor)
	return appendTextValue(append(line, " request="...), a.Request)
}

func appendTextValue(line []byte, text string) []byte {
	if text == "" || strings.ContainsAny(text, " =") {
		return strconv.AppendQuote(line, text)
	}
	return append(line, text...)
}

func appendAccessJSON(line []byte, a *httpapi.Access) []byte {
	line = appendMillis(append(line, `{"time":"`...), a.At)
	line = append(append(line, `","level":"INFO","msg":"request","route":"`...), a.Route...)
	line = strconv.AppendInt(append(line, `","status":`...), int64(a.Status), 10)
	line = strconv.AppendInt(append(line, `,"bytes":`...), int64(a.Bytes), 10)
	line = strconv.AppendInt(append(line, `,"took":`...), a.Took.Nanoseconds(), 10)
	line = append(append(line, `,"actor":"`...), a.Actor...)
	line = append(append(line, `","request":"`...), a.Request...)
	return append(line, `"}`...)
}
