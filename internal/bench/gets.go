package main

import (
	"context"
	"fmt"
	"net/url"

	"github.com/seed5b6a70b4/identity/internal/bench/load"
)

const sampled = 20_000

// gets compares reading one user, by id and by value, with the floor's GET, and
// what tokens cost with the plain GET.
func (b *bench) gets(ctx context.Context, floor, identity *process) error {
	theirs, err := sample(floor, 2000)
	if err != nil {
		return err
	}
	ours, err := sample(identity, sampled)
	if err != nil {
		return err
	}
	byID := ask(ours, func(u someone) load.Request { return get("/users/" + u.ID) })
	tags, err := entityTags(identity, byID)
	if err != nil {
		return err
	}
	var cached, forced []load.Request
	for i, user := range ours {
		cached = append(cached, get("/users/"+user.ID, "If-None-Match: "+tags[i]))
		forced = append(forced, get("/users/"+user.ID, "X-Consistency: "+tags[i]))
	}
	withEmail := ours[:0:0]
	for _, user := range ours {
		if user.Email != "" {
			withEmail = append(withEmail, user)
		}
	}
	for _, connections := range b.Connections {
		figures, err := b.compare(ctx, connections,
			subject{"floor GET", floor, each(ask(theirs, func(u someone) load.Request { return get("/users/" + u.ID) })), 200},
			subject{"GET by id", identity, each(byID), 200},
			subject{"GET by e-mail", identity, each(ask(withEmail, func(u someone) load.Request { return get("/users?email=" + url.QueryEscape(u.Email)) })), 200},
			subject{"GET by username", identity, each(ask(ours, func(u someone) load.Request { return get("/users?username=" + url.QueryEscape(u.Username)) })), 200},
			subject{"GET If-None-Match, 304", identity, each(cached), 304},
			subject{"GET X-Consistency", identity, each(forced), 200},
		)
		if err != nil {
			return err
		}
		b.table(fmt.Sprintf("GET, %d connections", connections), figures)
	}
	return nil
}

func entityTags(p *process, requests []load.Request) ([]string, error) {
	conn, err := load.Dial(p.address)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	tags := make([]string, len(requests))
	for i, request := range requests {
		response, err := conn.Do(request)
		if err != nil || response.Status != 200 || response.ETag == "" {
			return nil, fmt.Errorf("status %d, ETag %q: %w", response.Status, response.ETag, err)
		}
		tags[i] = response.ETag
	}
	return tags, nil
}
