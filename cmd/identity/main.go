// Command identity serves a directory of users, groups and memberships, and
// looks after its data. `identity --help` lists what it can do.
package main

import (
	"context"
	"os"
	"strings"
)

func main() {
	ctx, stop := withSignals(context.Background())
	defer stop()
	forgetEmptyVariables()
	os.Exit(run(ctx, arguments(os.Args[1:]), os.Stdout, os.Stderr))
}

// arguments are what was typed. The Lambda runtime starts a program with none, and
// means sync.
func arguments(typed []string) []string {
	if len(typed) == 0 && inLambda() {
		return []string{"sync"}
	}
	return typed
}

// forgetEmptyVariables makes a variable of ours that is set to nothing the same
// as one that is not set, as compose files leave them.
func forgetEmptyVariables() {
	for _, pair := range os.Environ() {
		if name, value, _ := strings.Cut(pair, "="); value == "" && strings.HasPrefix(name, "IDENTITY_") {
			_ = os.Unsetenv(name)
		}
	}
}
