// Keeper runs a server for tests, and ends it when nobody has used it for half a
// minute: users hold a shared lock on a file, which is theirs until they end,
// however they do. It ends the server too when it is asked to end itself.
package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"github.com/gofrs/flock"
)

const (
	unusedFor = 30 * time.Second // between two packages of one test run
	lookEvery = 500 * time.Millisecond
	endsIn    = 15 * time.Second
)

type keeper struct {
	users   *flock.Flock
	address string // the file that tells others of the server
	url     string
	run     string // what the server writes to
}

func main() {
	var k keeper
	users := flag.String("users", "", "the file that users lock")
	flag.StringVar(&k.address, "address", "", "the file that holds the URL of the server")
	flag.StringVar(&k.url, "url", "", "the URL of the server")
	flag.StringVar(&k.run, "run", "", "the directory that is removed at the end")
	flag.Parse()
	k.users = flock.New(*users)
	runtime.LockOSThread() // the server is told when this thread ends
	if err := k.keep(flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "keeper:", err)
		os.Exit(1)
	}
}

func (k *keeper) keep(args []string) error {
	if len(args) == 0 {
		return errors.New("no server to run")
	}
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGINT, syscall.SIGTERM)
	server := exec.Command(args[0], args[1:]...)
	server.Stdout, server.Stderr = os.Stdout, os.Stderr
	own(server)
	if err := server.Start(); err != nil {
		return err
	}
	ended, why := make(chan struct{}), error(nil)
	go func() {
		why = server.Wait()
		close(ended)
	}()
	defer k.clean()
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for unused := time.Duration(0); unused < unusedFor; {
		select {
		case <-ended:
			return fmt.Errorf("the server ended: %w", cmp.Or(why, errors.New("without an error")))
		case <-asked:
			return end(server, ended)
		case <-look.C:
			if free, err := k.users.TryLock(); err != nil || !free {
				unused = 0
				continue
			}
			if unused += lookEvery; unused < unusedFor {
				if err := k.users.Unlock(); err != nil {
					return errors.Join(err, end(server, ended))
				}
			}
		}
	}
	return end(server, ended) // with the lock: who comes now waits, and starts another
}

// end ends the server, and whatever it has started.
func end(server *exec.Cmd, ended <-chan struct{}) error {
	interrupt(server)
	late := time.NewTimer(endsIn)
	defer late.Stop()
	select {
	case <-ended:
		kill(server)
		return nil
	case <-late.C:
		kill(server)
		<-ended
		return fmt.Errorf("the server did not end within %v", endsIn)
	}
}

// clean removes what the server leaves, unless it is another's by now.
func (k *keeper) clean() {
	if url, err := os.ReadFile(k.address); err == nil && string(url) == k.url {
		_ = os.Remove(k.address)
	}
	if k.run != "" {
		_ = os.RemoveAll(k.run)
	}
}
