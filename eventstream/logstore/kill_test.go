package logstore_test

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/eventstream/logstore"
)

var child = flag.String("child", "", "append to the log in this directory until killed, and print what is acknowledged")

func TestMain(m *testing.M) {
	flag.Parse()
	if *child != "" {
		fmt.Fprintln(os.Stderr, appendUntilKilled(*child))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func appendUntilKilled(dir string) error {
	store, err := logstore.Open(dir, &logstore.Options{SegmentSize: 256 << 10, SnapshotEvery: 200})
	if err != nil {
		return err
	}
	go store.Run(context.Background())
	failed := make(chan error)
	for range 8 {
		go func() {
			for {
				tx := user(strings.Repeat("d", 400))
				commits, err := store.Append(context.Background(), tx)
				if err != nil {
					failed <- err
					return
				}
				fmt.Printf("%d %s\n", commits[0].Log, tx.Command)
				if commits[0].Log%50 == 0 {
					store.Snapshot(context.Background())
				}
			}
		}()
	}
	return <-failed
}

// TestKillLosesNothing kills a process that writes, again and again: what it had
// printed as acknowledged is there, nothing is half there, and meanwhile nobody
// else can open the log.
func TestKillLosesNothing(t *testing.T) {
	dir, acked := t.TempDir(), map[uint64]string{}
	rounds := 5
	if testing.Short() {
		rounds = 2
	}
	for round := range rounds {
		command := exec.CommandContext(t.Context(), os.Args[0], "-child="+dir)
		command.Stderr = os.Stderr
		output := must[interface{ Read([]byte) (int, error) }](t)(command.StdoutPipe())
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		var kill sync.Once
		lines := bufio.NewScanner(output)
		for count := 1; lines.Scan(); count++ {
			var position uint64
			var id string
			if _, err := fmt.Sscan(lines.Text(), &position, &id); err != nil {
				t.Fatal(err)
			}
			acked[position] = id
			if count == 1 {
				if _, err := logstore.Open(dir, nil); !errors.Is(err, logstore.ErrLocked) {
					t.Fatalf("the log could be opened by a second process: %v", err)
				}
			}
			if count > 300+100*round {
				kill.Do(func() { command.Process.Kill() })
			}
		}
		if err := command.Wait(); err == nil {
			t.Fatal("the process ended by itself")
		}
		known := newHistory()
		store := must[*logstore.Store](t)(logstore.Open(dir, nil))
		log, err := contents(store)
		if err != nil {
			t.Fatal(err)
		}
		for position, id := range acked {
			known.acked[position] = uuid.MustParse(id)
		}
		for _, commits := range log { // what was not acknowledged may be there too
			known.submitted[commits[0].Command] = true
		}
		if err := known.check(log); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		mustClose(t, store)
	}
	t.Logf("%d acknowledged", len(acked))
}
