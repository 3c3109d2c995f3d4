package commands

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// requestStream names where a request with an idempotency key is remembered: by
// a hash of actor and key that nobody can compute without the store's secret.
func (h *Handler) requestStream(request *Request) eventstream.StreamID {
	secret := h.reader.directory.Secret
	mac := hmac.New(sha256.New, secret[:])
	mac.Write(requestName(request))
	return eventstream.RequestStream(hex.EncodeToString(mac.Sum(nil)))
}

func requestName(request *Request) []byte {
	name := append([]byte("request\x00"), binary.AppendUvarint(nil, uint64(len(request.Actor)))...)
	return append(append(name, request.Actor...), request.IdempotencyKey...)
}

// remember adds to a decision's entries the one that makes a repetition of the
// request known. Of requests with one key, one gets to write it.
func (h *Handler) remember(request *Request, decided *decision, entries []eventstream.Entry) ([]eventstream.Entry, error) {
	if request.IdempotencyKey == "" {
		return entries, nil
	}
	outcome := domain.SetOutcome{Digest: request.Digest}
	for i, position := range decided.shows {
		if i == 0 {
			outcome.Stream, outcome.Seq = string(position.Stream), uint64(position.Seq)
		} else {
			outcome.Others = append(outcome.Others, domain.Shown{Stream: string(position.Stream), Seq: uint64(position.Seq)})
		}
	}
	var err error
	if outcome.Sealed, err = h.seal(request, decided.secret); err != nil {
		return nil, err
	}
	data, err := domain.EncodeEvents([]domain.Event{outcome})
	return append(entries, eventstream.Entry{Stream: h.requestStream(request), Expect: eventstream.Empty(), Data: data}), err
}

// recollect finds what a request did when it was first made; nil if it was not,
// or has no key.
func (h *Handler) recollect(ctx context.Context, request *Request) (*recollection, error) {
	if request.IdempotencyKey == "" {
		return nil, nil
	}
	if request.Digest == "" {
		return nil, errors.New("a request with an idempotency key has no digest")
	}
	commit, events, err := h.reader.last(ctx, h.requestStream(request))
	if err != nil || commit.Seq == 0 {
		return nil, err
	}
	outcome, ok := events[len(events)-1].(domain.SetOutcome)
	if !ok {
		return nil, fmt.Errorf("%w: a request has no %s", domain.ErrUnknownEvent, domain.TypeOf(events[len(events)-1]))
	}
	if outcome.Digest != request.Digest {
		return nil, refuseReuse()
	}
	past := &recollection{commit: commit}
	if past.secret, err = h.unseal(request, outcome.Sealed); err != nil {
		return nil, err
	}
	if outcome.Stream != "" {
		past.shows = append(past.shows, eventstream.Position{Stream: eventstream.StreamID(outcome.Stream), Seq: eventstream.Seq(outcome.Seq)})
	}
	for _, other := range outcome.Others {
		past.shows = append(past.shows, eventstream.Position{Stream: eventstream.StreamID(other.Stream), Seq: eventstream.Seq(other.Seq)})
	}
	return past, nil
}

func refuseReuse() error {
	return domain.Refuse(domain.Mismatch, "", "the idempotency key was used before, with another request")
}

// sealer encrypts what only a repetition of the request may read: its key comes
// from the idempotency key, which is stored nowhere, and the store's secret.
func (h *Handler) sealer(request *Request) (cipher.AEAD, error) {
	secret := h.reader.directory.Secret
	key, err := hkdf.Key(sha256.New, []byte(request.IdempotencyKey), secret[:], "identity: secret of a remembered answer", 32)
	if err != nil {
		return nil, fmt.Errorf("derive a key: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

func (h *Handler) seal(request *Request, secret string) ([]byte, error) {
	if secret == "" {
		return nil, nil
	}
	sealer, err := h.sealer(request)
	if err != nil {
		return nil, err
	}
	return sealer.Seal(nil, nil, []byte(secret), requestName(request)), nil
}

func (h *Handler) unseal(request *Request, sealed []byte) (string, error) {
	if len(sealed) == 0 {
		return "", nil
	}
	sealer, err := h.sealer(request)
	if err != nil {
		return "", err
	}
	secret, err := sealer.Open(nil, nil, sealed, requestName(request))
	if err != nil {
		return "", fmt.Errorf("%w: a remembered answer cannot be opened: %w", eventstream.ErrCorrupt, err)
	}
	return string(secret), nil
}
