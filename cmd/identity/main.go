// Command identity serves a directory of users, groups and memberships, and
// looks after its data. `identity --help` lists what it can do.
package main

import (
	"context"
	"os"
)

func main() {
	ctx, stop := withSignals(context.Background())
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}
