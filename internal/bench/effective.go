package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/seed5b6a70b4/identity/internal/bench/load"
)

const (
	leaves       = 50 // groups with members
	branches     = 10 // groups with leaves in them, all in one top
	directGroups = 5  // of each user
	nestedUsers  = 1000
)

// effective compares asking whether a user is in a group, through groups, with
// reading a user by id. Each user is directly in five groups.
func (b *bench) effective(ctx context.Context, _, identity *process) error {
	users, err := sample(identity, nestedUsers)
	if err != nil {
		return err
	}
	top, err := b.makeTree(ctx, identity, users)
	if err != nil {
		return err
	}
	check := func(u someone) load.Request {
		return load.NewRequest("POST", "/groups:check", adminKey, []byte(`{"items":[{"groupId":"`+top+`","userId":"`+u.ID+`"}]}`))
	}
	for _, connections := range b.Connections {
		figures, err := b.compare(ctx, connections,
			subject{"GET by id", identity, each(ask(users, func(u someone) load.Request { return get("/users/" + u.ID) })), 200},
			subject{"effective check", identity, each(ask(users, func(u someone) load.Request { return get("/groups/" + top + "/members/" + u.ID + "?effective=true") })), 200},
			subject{"POST of 1 question", identity, each(ask(users, check)), 200},
			subject{"POST of 100 questions", identity, each([]load.Request{load.NewRequest("POST", "/groups:check", adminKey, questions(top, users))}), 200},
			subject{"effective groups", identity, each(ask(users, func(u someone) load.Request { return get("/users/" + u.ID + "/groups?effective=true") })), 200},
			subject{"page of 50 effective members", identity, each([]load.Request{get("/groups/" + top + "/members?effective=true")}), 200},
		)
		if err != nil {
			return err
		}
		b.table(fmt.Sprintf("effective membership, %d connections", connections), figures)
	}
	return nil
}

func questions(group string, users []someone) []byte {
	type question struct {
		Group string `json:"groupId"`
		User  string `json:"userId"`
	}
	var body struct {
		Items []question `json:"items"`
	}
	for _, user := range users[:min(100, len(users))] {
		body.Items = append(body.Items, question{group, user.ID})
	}
	text, _ := json.Marshal(body)
	return text
}

// makeTree makes groups with the users in them, in groups, in one group, which it
// gives.
func (b *bench) makeTree(ctx context.Context, identity *process, users []someone) (top string, err error) {
	inner := make([]string, branches)
	for i := range inner {
		if inner[i], err = b.makeGroup(ctx, identity, nil); err != nil {
			return "", err
		}
	}
	for i := range leaves {
		var members []someone
		for j, user := range users {
			if (j+leaves-i)%leaves < directGroups {
				members = append(members, user)
			}
		}
		leaf, err := b.makeGroup(ctx, identity, members)
		if err != nil {
			return "", err
		}
		if err := putIn(identity, inner[i%branches], leaf); err != nil {
			return "", err
		}
	}
	if top, err = b.makeGroup(ctx, identity, nil); err != nil {
		return "", err
	}
	for _, group := range inner {
		if err := putIn(identity, top, group); err != nil {
			return "", err
		}
	}
	return top, nil
}

func putIn(identity *process, group, member string) error {
	conn, err := load.Dial(identity.address)
	if err != nil {
		return err
	}
	defer conn.Close()
	response, err := conn.Do(load.NewRequest("PUT", "/groups/"+group+"/members/"+member, adminKey, nil))
	if err != nil || response.Status/100 != 2 {
		return fmt.Errorf("put a group into a group: status %d: %s: %w", response.Status, response.Body, err)
	}
	return nil
}
