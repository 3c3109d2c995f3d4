package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/seed5b6a70b4/identity/internal/bench/load"
)

const (
	largeGroup = 100_000
	passing    = 64 // users who are only put in and taken out
)

// groups compares a small group with a large one: asking for a member, listing a
// page, putting somebody in and taking them out.
func (b *bench) groups(ctx context.Context, _, identity *process) error {
	users, err := sample(identity, largeGroup+passing)
	if err != nil {
		return err
	}
	guests, users := users[:passing], users[passing:]
	var subjects []subject
	for _, size := range []int{10, len(users)} {
		group, err := b.makeGroup(ctx, identity, users[:size])
		if err != nil {
			return err
		}
		in := ask(users[:size], func(u someone) load.Request { return get("/groups/" + group + "/members/" + u.ID) })
		comeAndGo := func(worker, n int) load.Request {
			method := "PUT"
			if n%2 == 1 {
				method = "DELETE"
			}
			return load.NewRequest(method, "/groups/"+group+"/members/"+guests[worker%passing].ID, adminKey, nil)
		}
		label := fmt.Sprintf(", %d members", size)
		subjects = append(subjects,
			subject{"check" + label, identity, each(in), 200},
			subject{"page of 10" + label, identity, each([]load.Request{get("/groups/" + group + "/members?limit=10")}), 200},
			subject{"add and remove" + label, identity, comeAndGo, 0})
	}
	figures, err := b.compare(ctx, 16, subjects...)
	if err != nil {
		return err
	}
	b.table("groups, 16 connections", figures)
	return nil
}

func (b *bench) makeGroup(ctx context.Context, identity *process, users []someone) (string, error) {
	conn, err := load.Dial(identity.address)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	body := fmt.Appendf(nil, `{"name":"bench %x of %d"}`, time.Now().UnixNano(), len(users))
	response, err := conn.Do(load.NewRequest("POST", "/groups", adminKey, body))
	if err != nil || response.Status != 201 {
		return "", fmt.Errorf("make a group: status %d: %s: %w", response.Status, response.Body, err)
	}
	var group someone
	if err := json.Unmarshal(response.Body, &group); err != nil {
		return "", err
	}
	for start := 0; start < len(users) && ctx.Err() == nil; start += 25 {
		ids := []string{}
		for _, user := range users[start:min(start+25, len(users))] {
			ids = append(ids, user.ID)
		}
		body, err := json.Marshal(map[string]any{"members": ids})
		if err != nil {
			return "", err
		}
		response, err := conn.Do(load.NewRequest("POST", "/groups/"+group.ID+"/members", adminKey, body))
		if err != nil || response.Status != 200 {
			return "", fmt.Errorf("add members: status %d: %s: %w", response.Status, response.Body, err)
		}
	}
	return group.ID, nil
}
