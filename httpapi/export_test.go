package httpapi

import (
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// RouterOf is the router inside a handler.
func RouterOf(handler http.Handler) chi.Routes { return handler.(*api).router }

// ScopesOf is what a key must allow for each method and path.
func ScopesOf(handler http.Handler) map[string]domain.Scope {
	scopes := map[string]domain.Scope{}
	for _, routes := range handler.(*api).routes() {
		for _, rt := range routes {
			scopes[rt.method+" "+rt.path] = rt.scope
		}
	}
	return scopes
}

// ParseConsistency reads the lines of X-Consistency.
func ParseConsistency(lines []string, epoch eventstream.Epoch) (eventstream.Token, bool, error) {
	return parseConsistency(lines, epoch)
}

// ParseWait reads the lines of Prefer.
func ParseWait(lines []string) time.Duration { return parseWait(lines) }

// MatchTags reads the lines of If-Match or If-None-Match and compares a tag.
func MatchTags(lines []string, text string, weakly bool) bool {
	t := parseTags(lines)
	return t.matches(text, weakly)
}

// ConditionTags are the tags of If-Match that are this epoch's.
func ConditionTags(lines []string, epoch eventstream.Epoch) []eventstream.Token {
	t := parseTags(lines)
	return t.condition(epoch).Tags
}

// AppendTime writes an instant as in answers.
func AppendTime(dst []byte, at time.Time) []byte { return appendTime(dst, at) }

// AppendString writes a JSON string as in answers.
func AppendString(dst []byte, text string) []byte { return appendString(dst, text) }
