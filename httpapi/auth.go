package httpapi

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"net"
	"net/http"
	"strings"

	"github.com/go-chi/httprate"

	"github.com/seed5b6a70b4/identity/domain"
)

// principal is who makes a request.
type principal struct {
	// actor is who it is in commits and logs: "admin", or "key/" and the key's id.
	actor string
	// key is the directory's key, nil for an admin key, which may do everything; sum
	// is the hash of what was sent.
	key *domain.APIKey
	sum [sha256.Size]byte
}

func (p *principal) allows(scope domain.Scope) bool { return p.key == nil || p.key.Allows(scope) }

const adminActor = "admin"

// MaxKey is the longest key that is looked at, in bytes.
const MaxKey = 512

func unauthorized() error {
	return refuse(http.StatusUnauthorized, "unauthorized", "a valid key is needed: Authorization: Bearer <key>")
}

// authenticate finds out who asks and whether they may, and counts the request.
func (x *exchange) authenticate(ctx context.Context, scope domain.Scope) error {
	by, err := x.api.identify(ctx, x.r.Header["Authorization"])
	if err != nil {
		if limited := x.limitRate("from/" + x.remoteHost()); limited != nil {
			return limited
		}
		return err
	}
	x.by = by
	if err := x.limitRate(by.actor); err != nil {
		return err
	}
	if !by.allows(scope) {
		return refuse(http.StatusForbidden, "forbidden", "the key does not have the scope "+string(scope))
	}
	return nil
}

// identify looks the key up. Whatever is wrong with a key, the answer is the
// same; a fault on the way is no wrong key.
func (a *api) identify(ctx context.Context, lines []string) (principal, error) {
	if len(lines) != 1 {
		return principal{}, unauthorized()
	}
	scheme, credentials, _ := strings.Cut(lines[0], " ")
	credentials = strings.TrimLeft(credentials, " ")
	if !strings.EqualFold(scheme, "Bearer") || credentials == "" || len(credentials) > MaxKey {
		return principal{}, unauthorized()
	}
	var space [MaxKey]byte
	sum := sha256.Sum256(append(space[:0], credentials...))
	admin := 0
	for i := range a.config.AdminKeys {
		admin |= subtle.ConstantTimeCompare(sum[:], a.config.AdminKeys[i][:])
	}
	if admin == 1 {
		return principal{actor: adminActor}, nil
	}
	secret, err := domain.ParseKeySecret(credentials)
	if err != nil {
		return principal{}, unauthorized()
	}
	return a.identifyKey(ctx, secret.ID(), sum)
}

func (a *api) identifyKey(ctx context.Context, id domain.KeyID, sum [sha256.Size]byte) (principal, error) {
	found, err := a.config.Queries.Holder(ctx, id)
	if err != nil {
		return principal{}, unlessMissing(err)
	}
	key := &found.Key
	var digits [2 * sha256.Size]byte
	hex.Encode(digits[:], sum[:])
	if subtle.ConstantTimeCompare(digits[:], []byte(key.Hash)) != 1 || !key.Active || !key.Owner.IsZero() && !found.Owner.Active {
		return principal{}, unauthorized()
	}
	return principal{actor: "key/" + id.String(), key: key, sum: sum}, nil
}

// standing is what it takes to ask again whether a key is good, for what goes on
// for long. The nil one is of an admin key, which always is.
type standing struct {
	id  domain.KeyID
	sum [sha256.Size]byte
}

func (p *principal) standing() *standing {
	if p.key == nil {
		return nil
	}
	return &standing{p.key.ID, p.sum}
}

// lasts refuses what goes on with a key that is good no more.
func (s *standing) lasts(ctx context.Context, a *api, scope domain.Scope) error {
	if s == nil {
		return nil
	}
	by, err := a.identifyKey(ctx, s.id, s.sum)
	if err == nil && !by.allows(scope) {
		err = unauthorized()
	}
	return err
}

// unlessMissing makes the absence of a key or its owner an unauthorized request,
// and leaves faults what they are.
func unlessMissing(err error) error {
	if errors.Is(err, domain.NotFound) {
		return unauthorized()
	}
	return err
}

// limitRate counts a request and refuses it if there were too many.
func (x *exchange) limitRate(who string) error {
	if x.api.limiter == nil || !x.api.limiter.OnLimit(x, x.r, who) {
		return nil
	}
	return refuse(http.StatusTooManyRequests, "rate_limited", "too many requests with this key")
}

func newLimiter(limit RateLimit) *httprate.RateLimiter {
	if limit.Requests <= 0 {
		return nil
	}
	return httprate.NewRateLimiter(limit.Requests, limit.Window)
}

// remoteHost is the address that the request came from; of an IPv6 address the
// network, because a client has all of one.
func (x *exchange) remoteHost() string {
	host, _, err := net.SplitHostPort(x.r.RemoteAddr)
	if err != nil {
		return ""
	}
	return httprate.CanonicalizeIP(host)
}
