package main

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/seed5b6a70b4/identity/internal/bench/load"
)

var made atomic.Int64

// newUser asks for a user whom no directory has.
func newUser(int, int) load.Request {
	body := newUserBody(nil)
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
