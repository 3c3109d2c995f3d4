package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// adminKey is every server's, for as long as a measurement lasts.
const adminKey = "bench-0123456789abcdef0123456789abcdef"

// process is a server under measurement.
type process struct {
	name, address string
	command       *exec.Cmd
	output        *os.File // what it prints, access log and all
	// started is how long it took from the start to the first good answer.
	started time.Duration
	ended   chan struct{} // closed once it has ended, with
	failed  error
}

func build(ctx context.Context, dir string) (identity, floor string, err error) {
	identity, floor = filepath.Join(dir, "identity"), filepath.Join(dir, "floor")
	for path, source := range map[string]string{identity: "./cmd/identity", floor: "./internal/bench/floor"} {
		if out, err := exec.CommandContext(ctx, "go", "build", "-o", path, source).CombinedOutput(); err != nil {
			return "", "", fmt.Errorf("build %s: %w\n%s", source, err, out)
		}
	}
	return identity, floor, nil
}

func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer listener.Close()
	return listener.Addr().String(), nil
}

// start runs a server and waits until the path answers, with whatever status
// below 500.
func start(ctx context.Context, name, path, binary string, args ...string) (*process, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	p := &process{name: name, address: address, ended: make(chan struct{})}
	p.command = exec.CommandContext(ctx, binary, append(args, "--listen", address)...)
	p.command.Env = append(os.Environ(), "IDENTITY_ADMIN_KEY="+adminKey)
	output, err := os.CreateTemp("", "bench-*.log")
	if err != nil {
		return nil, err
	}
	p.output = output
	p.command.Stdout, p.command.Stderr = output, output
	begun := time.Now()
	if err := p.command.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(p.ended)
		p.failed = p.command.Wait()
	}()
	for {
		answer, err := http.Get("http://" + address + path)
		if err == nil {
			answer.Body.Close()
			if answer.StatusCode < 500 {
				p.started = time.Since(begun)
				return p, nil
			}
		}
		select {
		case <-p.ended:
			return nil, fmt.Errorf("%s ended: %w\n%s", name, p.failed, p.printed())
		case <-time.After(5 * time.Millisecond):
		}
		if time.Since(begun) > 10*time.Minute {
			return nil, errors.Join(fmt.Errorf("%s does not answer:\n%s", name, p.printed()), p.end(os.Kill))
		}
	}
}

// end signals the server and waits for its end.
func (p *process) end(signal os.Signal) error {
	if err := p.command.Process.Signal(signal); err != nil {
		return err
	}
	<-p.ended
	defer os.Remove(p.output.Name())
	if signal == os.Kill {
		return nil
	}
	if p.failed != nil {
		return fmt.Errorf("%s: %w\n%s", p.name, p.failed, p.printed())
	}
	return nil
}

// printed is the first that the server printed.
func (p *process) printed() []byte {
	printed := make([]byte, 4<<10)
	n, _ := p.output.ReadAt(printed, 0)
	return printed[:n]
}

// cpu is the processor time the server has used.
func (p *process) cpu() time.Duration {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.command.Process.Pid))
	if err != nil {
		return 0
	}
	_, after, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(after)
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	const tick = 10 * time.Millisecond // USER_HZ is 100 on every Linux in use
	return time.Duration(user+system) * tick
}

// rss is the memory that the server has resident, in bytes.
func (p *process) rss() int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.command.Process.Pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kilobytes, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return kilobytes << 10
		}
	}
	return 0
}
