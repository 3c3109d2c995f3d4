package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/seed5b6a70b4/identity/internal/bench/load"
)

var made atomic.Int64

// newUser asks for a user whom no directory has.
func newUser(int, int) load.Request {
	n := made.Add(1)
	run := time.Now().UnixNano()
	body := fmt.Appendf(nil, `{"username":"bench-%x-%d","email":"bench-%x-%d@example.org","name":"Bench Body","active":true,"attributes":{"department":"sales","site":"north","level":3}}`, run, n, run, n)
	return load.NewRequest("POST", "/users", adminKey, body)
}

// posts compares making a user, durable and with everything kept, with the
// floor's POST.
func (b *bench) posts(ctx context.Context, floor, identity *process) error {
	for _, connections := range b.Connections {
		figures, err := b.compare(ctx, connections,
			subject{"floor POST", floor, newUser, 201},
			subject{"POST /users", identity, newUser, 201},
		)
		if err != nil {
			return err
		}
		b.table(fmt.Sprintf("POST, %d connections", connections), figures)
	}
	return nil
}
