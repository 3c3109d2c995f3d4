package readme_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// TestWalk runs every `sh walk` block of the README in one shell, against a
// server that was just made. Only where it listens is another: curl is told to
// connect there for the address that the README names.
func TestWalk(t *testing.T) {
	script := walk(t)
	dir := t.TempDir()
	address := serve(t, dir)
	rc := fmt.Sprintf("connect-to = \"127.0.0.1:8080:%s\"\n", address)
	if err := os.WriteFile(filepath.Join(dir, ".curlrc"), []byte(rc), 0o600); err != nil {
		t.Fatal(err)
	}
	shell := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", script)
	shell.Dir = dir
	shell.Env = append(os.Environ(), "CURL_HOME="+dir, "HOME="+dir, "NO_PROXY=127.0.0.1", "no_proxy=127.0.0.1")
	out, err := shell.CombinedOutput()
	if err != nil {
		t.Fatalf("the walk ends with %v:\n%s", err, out)
	}
	for _, seen := range []string{
		`"name":"Homer J. Simpson"`, `"code":"precondition_failed"`, " refused, as it should be", "304\n",
		`"kind":"user"`, `"items":[{"id":`, `"type":"SetUsername"`, `"name":"Homer Simpson"`,
	} {
		if !strings.Contains(string(out), seen) {
			t.Errorf("the walk does not show %s:\n%s", seen, out)
		}
	}
	if strings.Contains(string(out), "Max Power") {
		t.Error("the refused name shows")
	}
}

// walk gives the README's blocks that are to be typed, in order.
func walk(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```sh walk\n(.*?)```").FindAllStringSubmatch(string(text), -1)
	if len(blocks) < 5 {
		t.Fatalf("the README has %d blocks of the walk", len(blocks))
	}
	var script strings.Builder
	for _, block := range blocks {
		script.WriteString(block[1])
	}
	return script.String()
}

// serve builds the service and runs it in a directory, until the test ends. It
// gives the address that the ready line names.
func serve(t *testing.T, dir string) string {
	t.Helper()
	binary := filepath.Join(dir, "identity")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "../../cmd/identity").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	server := exec.Command(binary, "serve", "--listen", "127.0.0.1:0")
	server.Dir = dir
	output, err := server.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(output)
	t.Cleanup(func() {
		if err := server.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		for lines.Scan() {
			t.Log(lines.Text())
		}
		if err := server.Wait(); err != nil {
			t.Errorf("serve ends with %v", err)
		}
	})
	for lines.Scan() {
		if address := readyAddress(lines.Text()); address != "" {
			return address
		}
	}
	t.Fatal("serve ended without being ready")
	return ""
}

// readyAddress finds the address in the log line that tells of readiness, be it
// JSON or text.
func readyAddress(line string) string {
	var fields map[string]any
	if json.Unmarshal([]byte(line), &fields) == nil {
		if address, ok := fields["address"].(string); ok {
			return address
		}
	}
	if _, rest, found := strings.Cut(line, "address="); found {
		address, _, _ := strings.Cut(rest, " ")
		return strings.Trim(address, `"`)
	}
	return ""
}
