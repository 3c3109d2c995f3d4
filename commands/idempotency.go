package commands

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
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
	sealed, err := h.seal(request, decided.secret)
	if err != nil {
		return nil, err
	}
	var outcomes []domain.Event
	for _, position := range decided.shows {
		outcomes = append(outcomes, domain.SetOutcome{Digest: request.Digest, Stream: string(position.Stream), Seq: uint64(position.Seq), Sealed: sealed})
	}
	if outcomes == nil {
		outcomes = []domain.Event{domain.SetOutcome{Digest: request.Digest}}
	}
	data, err := domain.EncodeEvents(outcomes)
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
	past := &recollection{commit: commit}
	for _, event := range events {
		outcome, ok := event.(domain.SetOutcome)
		switch {
		case !ok:
			return nil, fmt.Errorf("%w: a request has no %s", domain.ErrUnknownEvent, domain.TypeOf(event))
		case outcome.Digest != request.Digest:
			return nil, refuseReuse()
		case outcome.Stream != "":
			past.shows = append(past.shows, eventstream.Position{Stream: eventstream.StreamID(outcome.Stream), Seq: eventstream.Seq(outcome.Seq)})
		}
		if past.secret, err = h.unseal(request, outcome.Sealed); err != nil {
			return nil, err
		}
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

func (h *Handler) seal(request *Request, secret string) (string, error) {
	if secret == "" {
		return "", nil
	}
	sealer, err := h.sealer(request)
	if err != nil {
		return "", err
	}
	return base64.RawStdEncoding.EncodeToString(sealer.Seal(nil, nil, []byte(secret), requestName(request))), nil
}

func (h *Handler) unseal(request *Request, sealed string) (string, error) {
	if sealed == "" {
		return "", nil
	}
	sealer, err := h.sealer(request)
	if err != nil {
		return "", err
	}
	var secret []byte
	raw, err := base64.RawStdEncoding.DecodeString(sealed)
	if err == nil {
		secret, err = sealer.Open(nil, nil, raw, requestName(request))
	}
	if err != nil {
		return "", fmt.Errorf("%w: a remembered answer cannot be opened: %w", eventstream.ErrCorrupt, err)
	}
	return string(secret), nil
}
