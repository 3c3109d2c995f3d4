package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestScripts runs the files of testdata/script, which read as a manual. Beside
// testscript's own commands they have:
//
//	serve NAME FLAG...        start a serve, wait until it is ready, set $URL; with ! it must not get ready
//	signal NAME TERM|KILL     send a signal
//	exited NAME CODE          wait for the end; of a signal the code is -1
//	logged NAME REGEXP        what its log must say
//	http METHOD PATH [BODY]   send a request to $URL with the key $KEY; the body goes to stdout, status and
//	                          headers to stderr; with ! it must be refused
//	read VAR FILE             set a variable to what a file says, or the last stdout
//	find VAR REGEXP           set a variable to the first group of the regexp in the last stdout or stderr
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"serve": serveCmd, "signal": signalCmd, "exited": exitedCmd, "logged": loggedCmd, "http": httpCmd, "read": readCmd, "find": findCmd,
		},
		Setup: func(env *testscript.Env) error {
			env.Values[processesKey{}] = &processes{ctx: t.Context(), all: map[string]*process{}}
			env.Setenv("DATA", env.WorkDir+"/data")
			return nil
		},
		RequireExplicitExec: true,
	})
}

type processesKey struct{}

// processes are the serves of one script.
type processes struct {
	ctx context.Context
	mu  sync.Mutex
	all map[string]*process
}

func processesOf(ts *testscript.TestScript) *processes {
	return ts.Value(processesKey{}).(*processes)
}

func processOf(ts *testscript.TestScript, name string) *process {
	p := processesOf(ts)
	p.mu.Lock()
	defer p.mu.Unlock()
	found := p.all[name]
	if found == nil {
		ts.Fatalf("there is no serve named %s", name)
	}
	return found
}

// environment is the script's, with the variables that serve reads.
func environment(ts *testscript.TestScript) []string {
	env := []string{"IDENTITY_DRAIN_DELAY=0s"}
	for _, name := range []string{
		"PATH", "HOME", "TMPDIR", "GOCOVERDIR", "IDENTITY_DATA", "IDENTITY_LISTEN", "IDENTITY_STORE", "IDENTITY_FEED",
		"IDENTITY_SEARCH", "IDENTITY_ADMIN_KEY", "IDENTITY_QUARANTINE", "IDENTITY_TLS_CERT", "IDENTITY_TLS_KEY",
	} {
		if value := ts.Getenv(name); value != "" {
			env = append(env, name+"="+value)
		}
	}
	return env
}

func serveCmd(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) == 0 {
		ts.Fatalf("usage: serve NAME FLAG...")
	}
	p, err := startProcess(processesOf(ts).ctx, ts.MkAbs("."), environment(ts), args[1:]...)
	switch {
	case p == nil:
		ts.Fatalf("start: %v", err)
	case neg && err == nil:
		_ = p.signal(syscall.SIGKILL)
		p.wait()
		ts.Fatalf("serve is ready, against what is wanted")
	case !neg && err != nil:
		ts.Fatalf("%v", err)
	}
	all := processesOf(ts)
	all.mu.Lock()
	all.all[args[0]] = p
	all.mu.Unlock()
	ts.Defer(func() {
		_ = p.signal(syscall.SIGKILL)
		p.wait()
	})
	ts.Setenv("URL", p.url)
	if neg {
		_, _ = io.WriteString(ts.Stderr(), p.logged())
	}
}

func signalCmd(ts *testscript.TestScript, _ bool, args []string) {
	signals := map[string]syscall.Signal{"TERM": syscall.SIGTERM, "KILL": syscall.SIGKILL}
	if len(args) != 2 || signals[args[1]] == 0 {
		ts.Fatalf("usage: signal NAME TERM|KILL")
	}
	ts.Check(processOf(ts, args[0]).signal(signals[args[1]]))
}

func exitedCmd(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: exited NAME CODE")
	}
	want, err := strconv.Atoi(args[1])
	ts.Check(err)
	p := processOf(ts, args[0])
	if code := p.wait(); code != want {
		ts.Fatalf("%s ended with %d, not %d:\n%s", args[0], code, want, p.logged())
	}
}

func loggedCmd(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: logged NAME REGEXP")
	}
	log := processOf(ts, args[0]).logged()
	if found := regexp.MustCompile("(?m)" + args[1]).MatchString(log); found == neg {
		ts.Fatalf("the log of %s says %q: %t\n%s", args[0], args[1], found, log)
	}
}

func httpCmd(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 || len(args) > 3 {
		ts.Fatalf("usage: http METHOD PATH [BODY]")
	}
	var body io.Reader
	if len(args) == 3 {
		body = strings.NewReader(args[2])
	}
	r, err := http.NewRequest(args[0], ts.Getenv("URL")+args[1], body)
	ts.Check(err)
	if key := ts.Getenv("KEY"); key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	if etag := ts.Getenv("IF_NONE_MATCH"); etag != "" {
		r.Header.Set("If-None-Match", etag)
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	answer, err := scriptClient(ts).Do(r)
	ts.Check(err)
	defer answer.Body.Close()
	_, err = io.Copy(ts.Stdout(), answer.Body)
	ts.Check(err)
	var headers bytes.Buffer
	ts.Check(answer.Header.Write(&headers))
	_, _ = fmt.Fprintf(ts.Stderr(), "%s\n%s", answer.Status, headers.String())
	if (answer.StatusCode >= 400) != neg {
		ts.Fatalf("%s %s answers %s", args[0], args[1], answer.Status)
	}
}

// scriptClient trusts the certificate that $CERT names, if it is set.
func scriptClient(ts *testscript.TestScript) *http.Client {
	if ts.Getenv("CERT") == "" {
		return http.DefaultClient
	}
	config, err := pin(ts.MkAbs(ts.Getenv("CERT")))
	ts.Check(err)
	transport := &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}
	return &http.Client{Transport: transport}
}

func readCmd(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: read VAR FILE")
	}
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile(args[1])))
}

func findCmd(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: find VAR REGEXP")
	}
	for _, output := range []string{"stdout", "stderr"} {
		if found := regexp.MustCompile("(?m)" + args[1]).FindStringSubmatch(ts.ReadFile(output)); found != nil {
			ts.Setenv(args[0], strings.TrimSpace(found[1]))
			return
		}
	}
	ts.Fatalf("nothing matches %q", args[1])
}
