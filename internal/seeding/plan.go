package seeding

import (
	"encoding/binary"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/google/uuid"
)

// Plan says what directory to make up.
type Plan struct {
	// Users and Groups are how many there are.
	Users, Groups int
	// Seed tells one made-up directory from another. Two plans of different seeds
	// share no id and no unique value.
	Seed uint64
}

// DefaultSeed is the seed whose unique values carry no mark of it.
const DefaultSeed = 1

// lane keeps draws for different ends apart.
type lane uint64

const (
	userLane lane = iota + 1
	groupLane
	memberLane
	nestingLane
)

// draw gives the random numbers of one thing, the same every time.
func (p Plan) draw(of lane, index int) *rand.Rand {
	return rand.New(rand.NewPCG(p.Seed, uint64(of)<<48|uint64(index)))
}

// epoch is the time that the ids of seeded entities begin at.
var epoch = time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)

// id makes a version 7 UUID (RFC 9562 section 5.7), in the order of the indexes.
func id(from *rand.Rand, index int) uuid.UUID {
	var made uuid.UUID
	at := uint64(epoch.UnixMilli() + int64(index))
	binary.BigEndian.PutUint64(made[:8], at<<16|0x7000|from.Uint64()>>52)
	binary.BigEndian.PutUint64(made[8:], 0x8000_0000_0000_0000|from.Uint64()>>2)
	return made
}

// mark is what makes a unique value of the seed unlike another seed's. It has no
// letters, which behind a name that is written from right to left are refused (RFC
// 5893 section 2, the Bidi Rule).
func (p Plan) mark() string {
	if p.Seed == DefaultSeed {
		return ""
	}
	return "-" + strconv.FormatUint(p.Seed, 10)
}

func pick[T any](from *rand.Rand, of []T) T { return of[from.IntN(len(of))] }

// must unwraps what was made by our own rules and so is always good.
func must[T any](value T, err error) T {
	if err != nil {
		panic("seeding made a value that the directory refuses: " + err.Error())
	}
	return value
}
