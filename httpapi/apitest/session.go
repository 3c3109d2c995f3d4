package apitest

import (
	"net/http"
	"strings"
	"sync"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// session remembers what was written and not read since, as a client must of a
// service whose reads are not current by themselves, and sends it with the next
// read.
type session struct {
	mu sync.Mutex
	// rows and found are what reads of rows and searches have yet to show.
	rows, found eventstream.Token
	epoch       eventstream.Epoch
}

// longestWait is as long as a read may wait for a view.
const longestWait = "wait=5"

const (
	pairsOfToken  = 32
	tokensOfReads = 16
)

// wrote remembers an answer's token.
func (s *session) wrote(r *reply) {
	text := r.header.Get("X-Consistency")
	if text == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.epoch = epochOf(text)
	token, err := eventstream.DecodeToken(text, s.epoch)
	if err != nil {
		r.t.Fatalf("%s: %v", r.what, err)
	}
	s.rows, s.found = s.rows.Merge(token), s.found.Merge(token)
}

// searches tells whether an index answers a request.
func searches(request *http.Request) bool {
	if request.URL.Path != "/users" && request.URL.Path != "/groups" {
		return false
	}
	for name := range request.URL.Query() {
		switch name {
		case "q", "sort", "active", "group":
			return true
		}
		if strings.HasPrefix(name, "attr.") {
			return true
		}
	}
	return false
}

// readsStreams tells whether a request is answered from streams alone, so that no
// view need show what it has the tokens of.
func readsStreams(request *http.Request) bool {
	path := request.URL.Path
	switch {
	case strings.HasSuffix(path, "/members/history"):
		return false
	case strings.HasSuffix(path, "/history"):
		return true
	case strings.HasSuffix(path, "/members") || strings.HasSuffix(path, "/groups"):
		return false
	}
	return request.URL.Query().Has("at") || request.URL.Query().Has("seq")
}

// add puts what a read must show on the request, and gives what was put.
// owing tells whether reads of rows have yet to show more than one of them can be
// asked for.
func (s *session) owing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.rows) > pairsOfToken*(tokensOfReads-1)
}

func (s *session) add(request *http.Request) eventstream.Token {
	s.mu.Lock()
	defer s.mu.Unlock()
	pending := s.rows
	if searches(request) {
		pending = s.found
	}
	pending = pending[:min(len(pending), pairsOfToken*tokensOfReads)]
	var texts []string
	for rest := pending; len(rest) > 0; {
		some := rest[:min(len(rest), pairsOfToken)]
		rest = rest[len(some):]
		text, err := some.Encode(s.epoch)
		if err != nil {
			panic(err)
		}
		texts = append(texts, text)
	}
	if len(texts) > 0 {
		request.Header.Set("X-Consistency", strings.Join(texts, ", "))
		request.Header.Set("Prefer", longestWait)
	}
	return pending
}

// shown forgets what a read has shown: it is there from then on.
func (s *session) shown(request *http.Request, token eventstream.Token) {
	if readsStreams(request) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rows = without(s.rows, token)
	if searches(request) {
		s.found = without(s.found, token)
	}
}

// without leaves out the positions that a token covers.
func without(all, shown eventstream.Token) eventstream.Token {
	var left eventstream.Token
	for _, position := range all {
		if shown.Seq(position.Stream) < position.Seq {
			left = append(left, position)
		}
	}
	return left
}
