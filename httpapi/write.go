package httpapi

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/seed5b6a70b4/identity/commands"
)

const maxIdempotencyKey = 255

// digest identifies the request by method, path and body, the latter without
// regard to order and spaces, if it has an idempotency key.
func (x *exchange) digest(raw []byte) error {
	if x.r.Method != http.MethodPost || x.r.Header[string(idempotencyKey)] == nil {
		return nil
	}
	canonical := jsontext.Value(append([]byte(nil), raw...))
	if err := canonical.Canonicalize(jsontext.CanonicalizeRawInts(false), jsontext.CanonicalizeRawFloats(false)); err != nil {
		return syntaxProblem(err)
	}
	hash := sha256.New()
	hash.Write([]byte(x.r.Method + " " + x.r.URL.Path + "\n"))
	hash.Write(canonical)
	x.requestDigest = hex.EncodeToString(hash.Sum(nil))
	return nil
}

// onceKey reads Idempotency-Key; empty if there is none.
func (x *exchange) onceKey() (string, error) {
	lines := x.r.Header[string(idempotencyKey)]
	if x.r.Method != http.MethodPost || len(lines) == 0 {
		return "", nil
	}
	if len(lines) > 1 || lines[0] == "" || len(lines[0]) > maxIdempotencyKey || !isVisible(lines[0]) {
		return "", invalid(fieldError{pointer: "/" + string(idempotencyKey), in: "header", detail: "must be 1 to 255 visible ASCII characters, on one line"})
	}
	return lines[0], nil
}

func isVisible(text string) bool {
	for i := range len(text) {
		if text[i] < ' ' || text[i] >= 0x7f {
			return false
		}
	}
	return true
}

// do carries a command out. Tokens of the request are only validated: a command
// decides on the streams themselves, which are never behind.
func (x *exchange) do(ctx context.Context, command commands.Command) (commands.Result, error) {
	if err := x.validateTokens(ctx); err != nil {
		return commands.Result{}, err
	}
	key, err := x.onceKey()
	if err != nil {
		return commands.Result{}, err
	}
	return x.api.config.Commands.Do(ctx, commands.Request{
		Actor: x.by.actor, Correlation: x.correlation(ctx),
		IdempotencyKey: key, Digest: x.requestDigest,
	}, command)
}

// validateTokens refuses tokens of the request that name nothing of this store.
func (x *exchange) validateTokens(ctx context.Context) error {
	lines := x.r.Header[string(consistency)]
	if lines == nil {
		return nil
	}
	atLeast, _, err := parseConsistency(lines, x.api.config.Epoch)
	if err != nil {
		return err
	}
	return x.api.config.Queries.Validate(ctx, atLeast)
}

// ifMatch is the condition of a write.
func (x *exchange) ifMatch() commands.Condition {
	lines := x.r.Header[string(ifMatch)]
	if lines == nil {
		return commands.Condition{}
	}
	parsed := parseTags(lines)
	return parsed.condition(x.api.config.Epoch)
}

// setWritten names what the body shows and what was written.
func (x *exchange) setWritten(result *commands.Result) error {
	if _, err := x.setETag(result.Entity); err != nil {
		return err
	}
	return x.setConsistency(result.Wrote)
}

// createdStatus is 201 for a request that created something, also when it is
// answered again by its idempotency key; an id that the client brought a second
// time is 200.
func createdStatus(result *commands.Result) int {
	if result.Created {
		return http.StatusCreated
	}
	return http.StatusOK
}

// sendNothing answers a write that leaves nothing to show.
func (x *exchange) sendNothing(result *commands.Result) error {
	if err := x.setConsistency(result.Wrote); err != nil {
		return err
	}
	x.WriteHeader(http.StatusNoContent)
	return nil
}
