package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/seed5b6a70b4/identity/internal/bench/load"
)

// groups compares a small group with a large one: putting members in, asking for
// one, listing a page.
func (b *bench) groups(ctx context.Context, _, identity *process) error {
	users, err := sample(identity, 100_000)
	if err != nil {
		return err
	}
	var subjects []subject
	for _, size := range []int{10, min(100_000, len(users))} {
		group, err := b.makeGroup(ctx, identity, users[:min(size, len(users))])
		if err != nil {
			return err
		}
		in := ask(users[:min(size, len(users))], func(u someone) load.Request { return get("/groups/" + group + "/members/" + u.ID) })
		toggle := func(worker, n int) load.Request {
			method := "PUT"
			if n%2 == 1 {
				method = "DELETE"
			}
			return load.NewRequest(method, "/groups/"+group+"/members/"+users[(worker*7919+n/2)%len(users)].ID, adminKey, nil)
		}
		label := fmt.Sprintf(", %d members", size)
		subjects = append(subjects,
			subject{"check" + label, identity, each(in), 200},
			subject{"page of 50" + label, identity, each([]load.Request{get("/groups/" + group + "/members?limit=50")}), 200},
			subject{"remove and add" + label, identity, func(w, n int) load.Request { return toggle(w, n+1) }, 0})
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
	body := fmt.Appendf(nil, `{"name":"bench %d of %d"}`, made.Add(1), len(users))
	response, err := conn.Do(load.NewRequest("POST", "/groups", adminKey, body))
	if err != nil || response.Status != 201 {
		return "", fmt.Errorf("make a group: status %d: %w", response.Status, err)
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
