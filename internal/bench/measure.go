package main

import (
	"context"
	"fmt"
	"time"

	"github.com/seed5b6a70b4/identity/internal/bench/load"
)

// subject is one side of a comparison: a server and what it is asked.
type subject struct {
	name    string
	process *process
	next    load.Next
	want    int
}

// figure is what one subject came to.
type figure struct {
	name    string
	outcome load.Outcome
	cpu     time.Duration // of the server, for one request
}

// compare measures the subjects in turns, so that what happens to the machine
// meanwhile happens to all of them.
func (b *bench) compare(ctx context.Context, connections int, subjects ...subject) ([]figure, error) {
	outcomes := make([][]load.Outcome, len(subjects))
	cpu := make([]time.Duration, len(subjects))
	for range b.Rounds {
		for i, s := range subjects {
			before := s.process.cpu()
			outcome, err := load.Run(ctx, load.Plan{Address: s.process.address, Connections: connections, Duration: b.Duration, Next: s.next, Want: s.want})
			if err != nil {
				return nil, fmt.Errorf("%s: %w", s.name, err)
			}
			cpu[i] += s.process.cpu() - before
			outcomes[i] = append(outcomes[i], outcome)
		}
	}
	figures := make([]figure, len(subjects))
	for i, s := range subjects {
		joined := load.Join(outcomes[i])
		figures[i] = figure{s.name, joined, cpu[i] / time.Duration(max(1, joined.Requests))}
	}
	return figures, nil
}

// table prints figures under a title, each beside the first.
func (b *bench) table(title string, figures []figure) {
	fmt.Fprintf(b.out, "\n%s\n", title)
	fmt.Fprintf(b.out, "| %-34s | %8s | %8s | %8s | %9s | %6s | %6s |\n", "", "req/s", "p50 ms", "p99 ms", "CPU µs", "rate ÷", "CPU ÷")
	fmt.Fprintln(b.out, "|------------------------------------|---------:|---------:|---------:|----------:|-------:|-------:|")
	first := figures[0]
	for _, f := range figures {
		fmt.Fprintf(b.out, "| %-34s | %8.0f | %8.2f | %8.2f | %9.1f | %6.2f | %6.2f |\n", f.name, f.outcome.Rate(),
			milliseconds(f.outcome.Quantile(0.5)), milliseconds(f.outcome.Quantile(0.99)), float64(f.cpu.Nanoseconds())/1e3,
			f.outcome.Rate()/first.outcome.Rate(), float64(f.cpu)/float64(max(1, first.cpu)))
	}
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1e3 }
