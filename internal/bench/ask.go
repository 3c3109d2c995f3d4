package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"sync/atomic"

	"github.com/seed5b6a70b4/identity/internal/bench/load"
)

// someone is a user that the directory has.
type someone struct {
	ID       string `json:"id"`
	Username string `json:"username"`
	Email    string `json:"email"`
	Name     string `json:"name"`
}

// sample gives up to so many users of a server, spread over all of them.
func sample(p *process, many int) ([]someone, error) {
	all, err := everybody(p)
	if err != nil || len(all) <= many {
		return all, err
	}
	random := rand.New(rand.NewPCG(1, 2))
	random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return slices.Clone(all[:many]), nil
}

func everybody(p *process) ([]someone, error) {
	conn, err := load.Dial(p.address)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	var all []someone
	next := ""
	for {
		target := "/users?limit=500"
		if p.name == "floor" {
			target = "/users"
		} else if next != "" {
			target += "&cursor=" + url.QueryEscape(next)
		}
		response, err := conn.Do(load.NewRequest("GET", target, adminKey, nil))
		if err != nil || response.Status != 200 {
			return nil, fmt.Errorf("list users: status %d: %w", response.Status, err)
		}
		var page struct {
			Items []someone `json:"items"`
			Next  *string   `json:"next"`
		}
		if err := json.Unmarshal(response.Body, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Items...)
		if page.Next == nil {
			return all, nil
		}
		next = *page.Next
	}
}

// each asks for each of the requests in turn, going on where it was left.
func each(requests []load.Request) load.Next {
	var turn atomic.Uint64
	return func(int, int) load.Request { return requests[turn.Add(1)%uint64(len(requests))] }
}

// ask makes a request of each of the users.
func ask(users []someone, request func(someone) load.Request) []load.Request {
	requests := make([]load.Request, len(users))
	for i, user := range users {
		requests[i] = request(user)
	}
	return requests
}

func get(target string, headers ...string) load.Request {
	return load.NewRequest("GET", target, adminKey, nil, headers...)
}
