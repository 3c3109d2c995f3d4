package httpapi

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/queries"
)

const (
	maxTokens = 16
	maxWait   = 5 * time.Second
	latest    = "latest"
)

// parseConsistency reads X-Consistency over all its lines: tokens, as they were
// given there or in an ETag, separated by commas, or the word latest.
func parseConsistency(lines []string, epoch eventstream.Epoch) (atLeast eventstream.Token, isLatest bool, err error) {
	count := 0
	for _, line := range lines {
		for element := range strings.SplitSeq(line, ",") {
			element = strings.Trim(element, " \t")
			switch {
			case element == "":
				continue
			case strings.EqualFold(element, latest):
				isLatest = true
				continue
			}
			if count++; count > maxTokens {
				return nil, false, refuse(http.StatusBadRequest, "malformed_token", "more than 16 tokens")
			}
			token, err := eventstream.DecodeToken(unquoteTag(element), epoch)
			if err != nil {
				return nil, false, err
			}
			if count == 1 {
				atLeast = token
				continue
			}
			atLeast = atLeast.Merge(token)
		}
	}
	return atLeast, isLatest, nil
}

// unquoteTag takes the quotes off an entity tag, also where a proxy made it weak.
func unquoteTag(text string) string {
	inside := strings.TrimPrefix(text, "W/")
	if len(inside) >= 2 && inside[0] == '"' && inside[len(inside)-1] == '"' {
		return inside[1 : len(inside)-1]
	}
	return text
}

// checkTokens refuses tokens that name nothing of this store where the route takes
// none: what it answers waits for no view, and a good one has nothing to wait for.
func (x *exchange) checkTokens(ctx context.Context, rt *route) error {
	lines := x.r.Header[string(consistency)]
	if lines == nil || rt.probe || rt.knows(consistency) {
		return nil
	}
	atLeast, _, err := parseConsistency(lines, x.api.config.Epoch)
	if err != nil || rt.scope == "" { // looking for positions is not for everybody
		return err
	}
	if err := x.api.config.Queries.Validate(ctx, atLeast); !errors.Is(err, eventstream.ErrBehind) {
		return err
	}
	return nil
}

// parseWait reads Prefer: wait=N (RFC 7240 section 4.3), in seconds: at most
// maxWait, 0 if it is absent or not understood, as preferences may be ignored.
func parseWait(lines []string) time.Duration {
	for _, line := range lines {
		for preference := range strings.SplitSeq(line, ",") {
			preference, _, _ = strings.Cut(preference, ";")
			name, value, _ := strings.Cut(preference, "=")
			if !strings.EqualFold(strings.Trim(name, " \t"), "wait") {
				continue
			}
			seconds, err := strconv.ParseUint(strings.Trim(strings.Trim(value, " \t"), `"`), 10, 31)
			if err != nil {
				return 0
			}
			// 0 seconds is a wait too: the shortest one, not the default.
			return max(min(time.Duration(seconds)*time.Second, maxWait), time.Nanosecond)
		}
	}
	return 0
}

// freshness is what the request demands of the answer. Some reads wait without
// being asked to, as look-ups do for who took a value, and do it as long as the
// request prefers.
func (x *exchange) freshness() (queries.Freshness, error) {
	wait := parseWait(x.r.Header["Prefer"])
	lines := x.r.Header["X-Consistency"]
	if lines == nil {
		return queries.Freshness{Wait: wait}, nil
	}
	atLeast, isLatest, err := parseConsistency(lines, x.api.config.Epoch)
	if err != nil {
		return queries.Freshness{}, err
	}
	return queries.Freshness{AtLeast: atLeast, Latest: isLatest, Wait: wait}, nil
}
