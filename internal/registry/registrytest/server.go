// Package registrytest starts real registries for tests and makes artifacts
// to put in them.
package registrytest

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// startTimeout is how long a registry may take until it listens.
const startTimeout = 20 * time.Second

// Config describes how a registry is to be started.
type Config struct {
	// Htpasswd holds lines of an htpasswd file with bcrypt hashes; empty is
	// a registry without authentication.
	Htpasswd string
	// CertFile and KeyFile make it serve TLS.
	CertFile, KeyFile string
	// ClientCAFile makes it request client certificates of this CA.
	ClientCAFile string
	// Tokens makes it want the tokens of a token server.
	Tokens *TokenServer
	// Program is another registry with the configuration of Debian's
	// docker-registry: a later version of distribution. Empty is Debian's.
	Program string
}

// Server is a running registry.
type Server struct {
	Addr string // 127.0.0.1:port
	Dir  string // where it keeps its content
}

var listening = regexp.MustCompile(`listening on (127\.0\.0\.1:[0-9]+)`)

// Start runs Debian's docker-registry, or the program of cfg, on a free loopback
// port until the test ends. The test is skipped if none exists.
func Start(tb testing.TB, cfg Config) *Server {
	tb.Helper()
	path := cfg.Program
	if path == "" {
		path = Program(tb, RegistryEnv, "docker-registry")
	}
	dir := tb.TempDir()
	file := filepath.Join(dir, "config.yml")
	if err := os.WriteFile(file, []byte(cfg.yaml(tb, dir)), 0o600); err != nil {
		tb.Fatal(err)
	}
	cmd := exec.Command(path, "serve", file)
	cmd.Env = append(os.Environ(), "OTEL_TRACES_EXPORTER=none")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		tb.Fatalf("starting %q: %v", path, err)
	}
	addr := make(chan string, 1)
	done := make(chan string, 1)
	go watch(bufio.NewScanner(stderr), addr, done)
	tb.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-done
		_ = cmd.Wait()
	})
	select {
	case a := <-addr:
		return &Server{Addr: a, Dir: filepath.Join(dir, "data")}
	case log := <-done:
		done <- log
		tb.Fatalf("the registry ended: %s", log)
	case <-time.After(startTimeout):
		tb.Fatalf("the registry does not listen after %s", startTimeout)
	}
	return nil
}

// watch reads the log to its end, for the address and for errors.
func watch(lines *bufio.Scanner, addr, done chan string) {
	var log strings.Builder
	for lines.Scan() {
		if m := listening.FindStringSubmatch(lines.Text()); m != nil {
			select {
			case addr <- m[1]:
			default:
			}
		}
		if log.Len() < 1<<16 {
			log.WriteString(lines.Text() + "\n")
		}
	}
	done <- log.String()
}

func (c Config) yaml(tb testing.TB, dir string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "version: 0.1\nlog:\n  level: info\n  accesslog:\n    disabled: true\n")
	fmt.Fprintf(&b, "storage:\n  delete:\n    enabled: true\n  filesystem:\n    rootdirectory: %s\n",
		filepath.Join(dir, "data"))
	fmt.Fprintf(&b, "http:\n  addr: 127.0.0.1:0\n")
	if c.CertFile != "" {
		fmt.Fprintf(&b, "  tls:\n    certificate: %s\n    key: %s\n", c.CertFile, c.KeyFile)
		if c.ClientCAFile != "" {
			fmt.Fprintf(&b, "    clientcas:\n      - %s\n", c.ClientCAFile)
		}
	}
	if c.Htpasswd != "" {
		file := filepath.Join(dir, "htpasswd")
		if err := os.WriteFile(file, []byte(c.Htpasswd), 0o600); err != nil {
			tb.Fatal(err)
		}
		fmt.Fprintf(&b, "auth:\n  htpasswd:\n    realm: test\n    path: %s\n", file)
	}
	if t := c.Tokens; t != nil {
		fmt.Fprintf(&b, "auth:\n  token:\n    realm: %s\n    service: %s\n    issuer: %s\n    rootcertbundle: %s\n", t.Realm,
			t.service, t.issuer, t.bundle)
	}
	return b.String()
}
