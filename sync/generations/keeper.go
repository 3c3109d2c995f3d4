package generations

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// Keeper keeps the roll where every process finds it. Its methods may be called
// concurrently; reads see every change that had returned before.
type Keeper interface {
	// Roll gives the record and its version, 0 and nil if there is none.
	Roll(ctx context.Context) (record []byte, version uint64, err error)
	// RollVersion gives the version alone.
	RollVersion(ctx context.Context) (uint64, error)
	// SetRoll keeps a record in place of the one of a version, as the next version.
	// It tells whether that is so: another change may have been first.
	SetRoll(ctx context.Context, was uint64, record []byte) (bool, error)
}

// Read gives the roll that is kept.
func Read(ctx context.Context, from Keeper) (*Roll, error) {
	record, version, err := from.Roll(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the roll of generations: %w", err)
	}
	r := New()
	if version == 0 {
		return r, nil
	}
	*r = Roll{Closure: Line{Answers: 1, Last: 1}} // which earlier records do not have
	if err := json.Unmarshal(record, r); err != nil || r.Rows.Answers == 0 {
		return nil, fmt.Errorf("%w: the roll of generations", eventstream.ErrCorrupt)
	}
	r.Version = version
	return r, nil
}

// Change reads the roll, changes it and keeps it, again when another change was
// first. What change fails with is returned as it is, with the roll that it was
// told of.
func Change(ctx context.Context, in Keeper, change func(*Roll) error) (*Roll, error) {
	for {
		r, err := Read(ctx, in)
		if err != nil {
			return nil, err
		}
		if err := change(r); err != nil {
			return r, err
		}
		record, err := json.Marshal(r)
		if err != nil {
			return nil, err
		}
		done, err := in.SetRoll(ctx, r.Version, record)
		if err != nil {
			return nil, fmt.Errorf("change the roll of generations: %w", err)
		}
		if done {
			r.Version++
			return r, nil
		}
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("%w: %w", eventstream.ErrUnavailable, err)
		}
	}
}
