package main

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/seed5b6a70b4/identity/internal/bench/load"
)

// searches measures what people type: the first letters of a name, two words,
// a word with a letter wrong.
func (b *bench) searches(ctx context.Context, _, identity *process) error {
	users, err := sample(identity, sampled)
	if err != nil {
		return err
	}
	var subjects []subject
	for _, kind := range searchKinds {
		var requests []load.Request
		for _, user := range users {
			if typed := kind.typed(user.Name); typed != "" {
				requests = append(requests, get("/users?limit=20&q="+url.QueryEscape(typed)))
			}
		}
		if len(requests) > 0 {
			subjects = append(subjects, subject{"q= " + kind.name, identity, each(requests), 200})
		}
	}
	for _, connections := range b.Connections {
		figures, err := b.compare(ctx, connections, subjects...)
		if err != nil {
			return err
		}
		b.table(fmt.Sprintf("search, %d connections", connections), figures)
	}
	return nil
}

type searchKind struct {
	name  string
	typed func(name string) string
}

var searchKinds = []searchKind{
	{"1 letter", func(name string) string { return prefix(name, 1) }},
	{"2 letters", func(name string) string { return prefix(name, 2) }},
	{"3 letters", func(name string) string { return prefix(name, 3) }},
	{"4 letters", func(name string) string { return prefix(name, 4) }},
	{"two words", func(name string) string {
		if words := strings.Fields(name); len(words) > 1 {
			return words[0] + " " + words[1]
		}
		return ""
	}},
	{"one typo", func(name string) string {
		words := strings.Fields(name)
		if len(words) == 0 || utf8.RuneCountInString(words[0]) < 5 {
			return ""
		}
		letters := []rune(words[0])
		letters[2], letters[3] = letters[3], letters[2]
		return string(letters)
	}},
}

func prefix(name string, letters int) string {
	word, _, _ := strings.Cut(name, " ")
	if utf8.RuneCountInString(word) < letters {
		return ""
	}
	return string([]rune(word)[:letters])
}
