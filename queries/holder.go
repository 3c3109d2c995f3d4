package queries

import (
	"context"
	"fmt"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/seed5b6a70b4/identity/domain"
)

// rememberedHolders is how many keys are remembered for Config.KeyAge.
const rememberedHolders = 10_000

// Holder is an API key and who it belongs to.
type Holder struct {
	Key domain.APIKey
	// Owner is the user it belongs to; the zero User for a service's key.
	Owner domain.User
}

// remembered is a Holder as it was at an instant.
type remembered struct {
	holder Holder
	at     time.Time
}

// Holder gives an API key that was not revoked and the user it belongs to, who
// exists, as they were at most Config.KeyAge ago. Where they are read anew it waits
// for both together as long as any reader may: nothing is answered without them.
func (r *Reader) Holder(ctx context.Context, id domain.KeyID) (Holder, error) {
	r = r.answering()
	if r.holders == nil {
		return r.holder(ctx, id, Freshness{})
	}
	now := time.Now()
	if known, found := r.holders.Get(id); found && now.Sub(known.at) < r.config.KeyAge {
		return known.holder, nil
	}
	holder, err := r.holder(ctx, id, Freshness{Latest: true, Wait: MaxWait})
	if err == nil && (holder.Key.Owner.IsZero() || holder.Owner.Active) {
		r.holders.Add(id, remembered{holder, now})
	} else {
		r.holders.Remove(id) // whoever gets their rights back has them at once
	}
	return holder, err
}

func (r *Reader) holder(ctx context.Context, id domain.KeyID, fresh Freshness) (Holder, error) {
	began := time.Now()
	key, err := r.Key(ctx, id, fresh)
	if err != nil || key.Value.Owner.IsZero() {
		return Holder{Key: key.Value}, err
	}
	if fresh.Wait > 0 {
		fresh.Wait = max(fresh.Wait-time.Since(began), time.Nanosecond)
	}
	owner, err := r.User(ctx, key.Value.Owner, fresh)
	return Holder{key.Value, owner.Value}, err
}

func newHolders() (*lru.Cache[domain.KeyID, remembered], error) {
	cache, err := lru.New[domain.KeyID, remembered](rememberedHolders)
	if err != nil {
		return nil, fmt.Errorf("make room for keys: %w", err)
	}
	return cache, nil
}
