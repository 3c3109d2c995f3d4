package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets the test binary be the program itself, for scripts and for tests
// that start it.
func TestMain(m *testing.M) {
	if os.Getenv(beIdentity) != "" {
		main()
	}
	testscript.Main(m, map[string]func(){"identity": main})
}

// beIdentity is the variable that makes the test binary the program.
const beIdentity = "TEST_BE_IDENTITY"

// process is a running serve.
type process struct {
	command *exec.Cmd
	url     string
	ended   chan struct{} // closed when it has ended and all of its log was read

	mu    sync.Mutex
	log   bytes.Buffer
	added chan struct{} // closed when the log grows
}

var readyLine = regexp.MustCompile(`msg=ready .*url=(\S+)`)

// startProcess starts a serve and returns when it is ready. If it ends before,
// the error says how.
func startProcess(ctx context.Context, dir string, env []string, flags ...string) (*process, error) {
	args := append([]string{"serve"}, flags...)
	if !strings.Contains(strings.Join(args, " "), "--listen") {
		args = append(args, "--listen", "127.0.0.1:0")
	}
	return startCommand(ctx, dir, env, args...)
}

// startCommand starts a process that listens, and returns when it is ready.
func startCommand(ctx context.Context, dir string, env []string, args ...string) (*process, error) {
	p := &process{command: exec.CommandContext(ctx, os.Args[0], args...), ended: make(chan struct{}), added: make(chan struct{})}
	p.command.Dir = dir
	p.command.Env = append(env, beIdentity+"=1")
	output, err := p.command.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := p.command.Start(); err != nil {
		return nil, err
	}
	ready := make(chan struct{})
	go p.read(output, ready)
	select {
	case <-ready:
		return p, nil
	case <-p.ended:
		return p, fmt.Errorf("it ended with %d:\n%s", p.command.ProcessState.ExitCode(), p.logged())
	}
}

// read collects the log, tells when it says ready, and waits for the end.
func (p *process) read(from io.Reader, ready chan<- struct{}) {
	lines := bufio.NewScanner(from)
	for lines.Scan() {
		p.mu.Lock()
		p.log.WriteString(lines.Text() + "\n")
		close(p.added)
		p.added = make(chan struct{})
		p.mu.Unlock()
		if found := readyLine.FindStringSubmatch(lines.Text()); found != nil && p.url == "" {
			p.url = found[1]
			close(ready)
		}
	}
	_ = p.command.Wait()
	close(p.ended)
}

func (p *process) logged() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// await waits until the log says something.
func (p *process) await(t *testing.T, what string) {
	t.Helper()
	for {
		p.mu.Lock()
		said, added := strings.Contains(p.log.String(), what), p.added
		p.mu.Unlock()
		if said {
			return
		}
		select {
		case <-added:
		case <-p.ended:
			t.Fatalf("it ended without saying %q:\n%s", what, p.logged())
		}
	}
}

func (p *process) signal(s syscall.Signal) error {
	err := p.command.Process.Signal(s)
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}

// wait waits for the end and gives the exit code, -1 for a signal.
func (p *process) wait() int {
	<-p.ended
	return p.command.ProcessState.ExitCode()
}

// mustStart starts a serve that is killed when the test ends, unless it has ended.
func mustStart(t *testing.T, dir string, flags ...string) *process {
	t.Helper()
	p, err := startProcess(context.WithoutCancel(t.Context()), dir, append(os.Environ(), "IDENTITY_DRAIN_DELAY=0s"), flags...)
	if err != nil {
		t.Fatal(err)
	}
	kill(t, p)
	return p
}

// kill ends a process with the test, if it has not ended by itself.
func kill(t testing.TB, p *process) {
	t.Cleanup(func() {
		_ = p.signal(syscall.SIGKILL)
		p.wait()
		if t.Failed() {
			t.Logf("the log of %v:\n%s", p.command.Args[1:], p.logged())
		}
	})
}

// runHere runs a command in this process.
func runHere(t testing.TB, args ...string) (code int, out, errs string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = run(t.Context(), args, &stdout, &stderr)
	return code, stdout.String(), stderr.String()
}

// clientOf speaks to a running serve of a directory with its admin key.
func clientOf(t *testing.T, dir string) *client {
	t.Helper()
	data := dataDirectory{filepath.Join(dir, "identity-data")}
	running, err := data.announced()
	if err != nil {
		t.Fatal(err)
	}
	flags := remoteFlags{dataFlags: dataFlags{Data: data.path}}
	c, err := flags.dial(running)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.close() })
	return c
}
