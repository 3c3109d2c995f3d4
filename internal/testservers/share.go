package testservers

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// The files of a server, below a directory that is named after what is installed.
const (
	libDir      = "lib"      // what is installed
	startLock   = "starting" // held by whoever installs or starts
	usersLock   = "users"    // held, shared, by every process that uses the server
	addressFile = "address"  // its URL, while it runs
	runDir      = "run"      // what it writes, removed when it ends
	logFile     = "log"
)

var errEnded = errors.New("without an error")

const (
	startTime = 3 * time.Minute
	slowTime  = time.Minute // for which a server that runs may not be ready
)

// share gives the address of the server that all processes share, and has it
// installed and started if need be. It is kept until this process ends.
func (s *server) share() (string, error) {
	home, err := s.home()
	if err != nil {
		return "", err
	}
	starting := flock.New(filepath.Join(home, startLock))
	if err := starting.Lock(); err != nil {
		return "", fmt.Errorf("wait for others that start it: %w", err)
	}
	defer starting.Close()
	s.using = flock.New(filepath.Join(home, usersLock))
	if err := s.using.RLock(); err != nil {
		return "", fmt.Errorf("say that it is used: %w", err)
	}
	if running, err := os.ReadFile(filepath.Join(home, addressFile)); err == nil && s.runs(string(running)) {
		return string(running), nil
	}
	if err := s.installed(filepath.Join(home, libDir)); err != nil {
		return "", err
	}
	return s.start(home)
}

// runs tells whether the server still runs where it was started. One that is busy may
// not say so at once, and a machine may be too small for two.
func (s *server) runs(url string) bool {
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for began := time.Now(); ; <-again.C {
		if s.ready(url) {
			return true
		}
		if !listens(url) || time.Since(began) > slowTime {
			return false
		}
	}
}

// home is the directory of the server, made if need be.
func (s *server) home() (string, error) {
	if missing := s.missing(); missing != "" {
		return "", unable(missing)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", unable(fmt.Sprintf("no cache directory to install it in: %v", err))
	}
	sum := sha256.Sum256([]byte(strings.Join(s.sources, "\x00")))
	home := filepath.Join(cache, "identity-testservers", s.name+"-"+hex.EncodeToString(sum[:4]))
	return home, os.MkdirAll(home, 0o755)
}

func (s *server) missing() string {
	if runtime.GOOS != "linux" {
		return "it is started on Linux only"
	}
	var missing []string
	for _, tool := range s.tools {
		if _, err := exec.LookPath(tool); err != nil {
			missing = append(missing, tool)
		}
	}
	if len(missing) == 0 {
		return ""
	}
	return "this machine has no " + strings.Join(missing, ", no ")
}

// installed installs the server in a directory, where it is not yet.
func (s *server) installed(lib string) error {
	if _, err := os.Stat(lib); err == nil {
		return nil
	}
	unfinished := lib + ".new"
	if err := os.RemoveAll(unfinished); err != nil {
		return err
	}
	if err := os.MkdirAll(unfinished, 0o755); err != nil {
		return err
	}
	if err := s.install(unfinished); err != nil {
		return unable(fmt.Sprintf("it cannot be installed: %v", err))
	}
	return os.Rename(unfinished, lib)
}

// start has a keeper start the server, and returns once it answers.
func (s *server) start(home string) (string, error) {
	keeper, err := builtKeeper(home)
	if err != nil {
		return "", err
	}
	run, port, err := s.prepare(home)
	if err != nil {
		return "", err
	}
	command, err := s.command(filepath.Join(home, libDir), run, port)
	if err != nil {
		return "", err
	}
	log, err := os.Create(filepath.Join(home, logFile))
	if err != nil {
		return "", err
	}
	defer log.Close()
	url := "http://127.0.0.1:" + port
	process := exec.Command(keeper, append([]string{
		"--users", filepath.Join(home, usersLock), "--address", filepath.Join(home, addressFile), "--url", url, "--run", run, "--",
	}, command.args...)...)
	process.Dir, process.Stdout, process.Stderr = run, log, log
	process.Env = append(os.Environ(), command.environment...)
	detach(process)
	if err := process.Start(); err != nil {
		return "", fmt.Errorf("start its keeper: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmp.Or(process.Wait(), errEnded) }() // ends with the keeper, or with this process
	if err := s.await(url, ended); err != nil {
		_ = process.Process.Signal(os.Interrupt)
		return "", fmt.Errorf("%w, see %s", err, log.Name())
	}
	return url, os.WriteFile(filepath.Join(home, addressFile), []byte(url), 0o644)
}

// prepare makes an empty directory to run in, and finds a free port.
func (s *server) prepare(home string) (run, port string, err error) {
	base := filepath.Join(home, runDir)
	if err := os.MkdirAll(base, 0o755); err != nil {
		return "", "", err
	}
	if run, err = os.MkdirTemp(base, ""); err != nil {
		return "", "", err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", "", fmt.Errorf("find a free port: %w", err)
	}
	_, port, err = net.SplitHostPort(listener.Addr().String())
	return run, port, errors.Join(err, listener.Close())
}

// await waits until the server answers.
func (s *server) await(url string, ended <-chan error) error {
	deadline := time.NewTimer(startTime)
	defer deadline.Stop()
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for {
		select {
		case err := <-ended:
			return fmt.Errorf("it ended while it was started: %w", err)
		case <-deadline.C:
			return fmt.Errorf("it did not answer within %v", startTime)
		case <-again.C:
			if s.ready(url) {
				return nil
			}
		}
	}
}

// builtKeeper builds the program that ends the server.
func builtKeeper(home string) (string, error) {
	keeper := filepath.Join(home, "keeper")
	build := exec.Command("go", "build", "-o", keeper, "github.com/seed5b6a70b4/identity/internal/testservers/keeper")
	if output, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build its keeper: %w: %s", err, output)
	}
	return keeper, nil
}

// asker asks servers whether they are there.
var asker = http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
