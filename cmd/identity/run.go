package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"
)

// Exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

// cli is everything that can be typed.
type cli struct {
	Serve     serveCommand     `cmd:"" help:"Serve the directory over HTTP."`
	Sync      syncCommand      `cmd:"" help:"Keep the views in DynamoDB and the search index up to date, apart from those who serve; needs --store dynamodb. Where the Lambda runtime starts it, it is a Lambda function."`
	Relay     relayCommand     `cmd:"" help:"Tell a Kinesis stream of the commits in DynamoDB, where DynamoDB's own integration does not; needs --store dynamodb."`
	Init      initCommand      `cmd:"" help:"Make what serve needs, if it is not there: with dynamodb the tables, with --feed kinesis the stream, with --search elasticsearch the index."`
	Seed      seedCommand      `cmd:"" help:"Fill the directory with made-up users, groups and memberships."`
	Verify    verifyCommand    `cmd:"" help:"Audit the data: the log, the claims and every view."`
	History   historyCommand   `cmd:"" help:"Show what happened to a user, a group or a membership, commit by commit."`
	Rebuild   rebuildCommand   `cmd:"" help:"Build the views anew beside those that answer, compare them, and have the new ones answer."`
	Top       topCommand       `cmd:"" help:"Watch a running service: rates, latency, lag, what is parked. Redraws in place on a terminal, else prints a line now and then; q or ctrl-C ends."`
	Parked    parkedCommand    `cmd:"" help:"Show the streams that views cannot apply, and have them tried again."`
	Backup    backupCommand    `cmd:"" help:"Copy the data directory while it is served; the copy begins an epoch of its own when it is served."`
	Export    exportCommand    `cmd:"" help:"Write every commit to a file, a line of JSON for each transaction, while the directory is served or at rest."`
	Import    importCommand    `cmd:"" help:"Put an exported file into a directory that is not served: a new one, or one that the file continues."`
	Replicate replicateCommand `cmd:"" help:"Follow another service into this store, and serve it for reading."`
	Promote   promoteCommand   `cmd:"" help:"Have a replica take over from the service that it follows."`
	Key       keyCommand       `cmd:"" help:"Create, list and revoke API keys."`
	Version   versionCommand   `cmd:"" help:"Say which build this is."`
}

// console is where a command reads and writes.
type console struct {
	ctx context.Context
	// out is for what was asked for, err for everything else.
	out, err io.Writer
}

// usageError is a mistake in what was typed or set, on one line that names it.
type usageError struct{ what string }

func (e *usageError) Error() string { return e.what }

func misused(format string, args ...any) error { return &usageError{fmt.Sprintf(format, args...)} }

// run does what the arguments say and gives the exit code.
func run(ctx context.Context, args []string, out, errs io.Writer) int {
	var commands cli
	parser, err := kong.New(&commands,
		kong.Name("identity"),
		kong.Description("A directory of users, groups and memberships."),
		kong.UsageOnError(), kong.Writers(out, errs),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, FlagsLast: true}),
	)
	if err != nil {
		return fail(errs, err)
	}
	chosen, err := parser.Parse(args)
	if err != nil {
		return fail(errs, misused("%s", err))
	}
	err = chosen.Run(&console{ctx, out, errs})
	if errors.Is(err, context.Canceled) && errors.Is(context.Cause(ctx), errStopped) {
		err = errStopped
	}
	return fail(errs, err)
}

// fail reports why a command ended, if it failed, and gives the exit code.
func fail(errs io.Writer, err error) int {
	if err == nil {
		return exitDone
	}
	_, _ = fmt.Fprintln(errs, "identity: "+strings.ReplaceAll(err.Error(), "\n", "; "))
	var misuse *usageError
	if errors.As(err, &misuse) {
		return exitUsage
	}
	return exitFailed
}
