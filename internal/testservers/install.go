package testservers

import (
	"embed"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

//go:embed files
var files embed.FS

func file(name string) string {
	content, err := files.ReadFile("files/" + name)
	if err != nil {
		panic(err) // it is embedded, or this does not compile
	}
	return string(content)
}

func place(dir, name, content string) error {
	return os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644)
}

const dependencyPlugin = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:"

// run runs an installer; its error ends with the last of what that said.
func run(dir, name string, args ...string) error {
	process := exec.Command(name, args...)
	process.Dir = dir
	output, err := process.CombinedOutput()
	if err == nil {
		return nil
	}
	said := strings.TrimSpace(string(output))
	if len(said) > 400 {
		said = "…" + said[len(said)-400:]
	}
	return fmt.Errorf("%s: %w: %s", name, err, strings.ReplaceAll(said, "\n", " | "))
}

// installLoopback compiles what keeps a server on 127.0.0.1.
func installLoopback(dir string) error {
	if err := place(dir, "loopback.c", file("loopback.c")); err != nil {
		return err
	}
	return run(dir, "cc", "-O2", "-shared", "-fPIC", "-o", "loopback.so", "loopback.c")
}

func preloadLoopback(lib string) string { return "LD_PRELOAD=" + filepath.Join(lib, "loopback.so") }

// answers asks a URL, and gives the beginning of what it says.
func answers(url string) (status int, body string) {
	response, err := asker.Get(url)
	if err != nil {
		return 0, ""
	}
	defer response.Body.Close()
	start, err := io.ReadAll(io.LimitReader(response.Body, 16<<10))
	if err != nil {
		return 0, ""
	}
	return response.StatusCode, string(start)
}

// listens tells whether a URL takes connections, or may yet.
func listens(url string) bool {
	connection, err := net.DialTimeout("tcp", strings.TrimPrefix(url, "http://"), asker.Timeout)
	if err != nil {
		var refusal net.Error
		return errors.As(err, &refusal) && refusal.Timeout()
	}
	connection.Close()
	return true
}

func isOK(status int) bool { return status == http.StatusOK }
