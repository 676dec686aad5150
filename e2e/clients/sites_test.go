package clients

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	ggcr "github.com/google/go-containerregistry/pkg/registry"

	"github.com/rules-gadget/rules_gadget/internal/registry/registrytest"
)

// The one user of the registries that have users.
const (
	user     = "alice"
	password = "s3cret with spaces"
	// account is the user's htpasswd line.
	account = "alice:$2a$04$PZOLuhf/YlDg2a9ZVKpPfON0gQoUu4k7H3PMk03dL3aDgzXDqpx.6\n"
)

// site is a registry.
type site struct {
	name, addr string
	plain      bool // no TLS
	closed     bool // requires the user's credentials
}

// sites starts every registry and logs in where that is needed.
func (l *lab) sites(t *testing.T) []*site {
	t.Helper()
	all := []*site{
		l.docker(t, "docker-registry", registrytest.Config{}),
		l.docker(t, "docker-registry, basic, TLS", registrytest.Config{Htpasswd: account}),
		l.docker(t, "distribution", registrytest.Config{Program: os.Getenv(distribution)}),
		l.docker(t, "distribution, tokens, TLS", registrytest.Config{
			Program: os.Getenv(distribution), Tokens: registrytest.NewTokenServer(t, l.ca, user, password),
		}),
		memory(t),
	}
	if path := os.Getenv(zotEnv); path != "" {
		all = append(all, l.zot(t, path))
	}
	for _, s := range all {
		l.prepare(t, s)
	}
	return all
}

// docker starts a registry of the docker family, with TLS where it has users.
func (l *lab) docker(t *testing.T, name string, cfg registrytest.Config) *site {
	t.Helper()
	s := &site{name: name, closed: cfg.Htpasswd != "" || cfg.Tokens != nil}
	s.plain = !s.closed
	if !s.plain {
		cfg.CertFile, cfg.KeyFile = l.ca.Issue(t, "server")
	}
	s.addr = registrytest.Start(t, cfg).Addr
	return s
}

// memory is the registry of go-containerregistry, which has the referrers API.
func memory(t *testing.T) *site {
	t.Helper()
	srv := httptest.NewServer(ggcr.New(ggcr.WithReferrersSupport(true), ggcr.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(srv.Close)
	return &site{name: "go-containerregistry, referrers API", addr: strings.TrimPrefix(srv.URL, "http://"), plain: true}
}

// prepare configures regctl, which has no flag for it, for plain HTTP, and logs in
// with gadget-run: the others read the credentials that it stores.
func (l *lab) prepare(t *testing.T, s *site) {
	t.Helper()
	if s.plain {
		l.run(t, regctl, "registry", "set", "--tls", "disabled", s.addr)
	}
	if s.closed {
		l.ours(t, "login", "--username", user, "--password", password, "--authfile", l.authFile(), s.addr)
	}
}

// onlyPlain returns flags where the registry has no TLS.
func (s *site) onlyPlain(flags ...string) []string {
	if s.plain {
		return flags
	}
	return nil
}

// words is one command line from parts.
func words(parts ...any) []string {
	var all []string
	for _, p := range parts {
		switch p := p.(type) {
		case string:
			all = append(all, p)
		case []string:
			all = append(all, p...)
		}
	}
	return all
}

// zotEnv names a zot, which has the referrers API, where there is one.
const zotEnv = "ZOT"

// zot starts a registry of which the Go module proxy has no source.
func (l *lab) zot(t *testing.T, path string) *site {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := free.Addr().String()
	_ = free.Close()
	_, port, _ := net.SplitHostPort(addr)
	config := l.write(t, "zot.json", fmt.Sprintf(
		`{"storage":{"rootDirectory":%q},"http":{"address":"127.0.0.1","port":%q},"log":{"level":"error"}}`, l.file("zot"),
		port))
	cmd := exec.Command(path, "serve", config)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	for deadline := time.Now().Add(commandTimeout); ; time.Sleep(50 * time.Millisecond) {
		resp, err := http.Get("http://" + addr + "/v2/")
		if err == nil {
			_ = resp.Body.Close()
			return &site{name: "zot", addr: addr, plain: true}
		}
		if time.Now().After(deadline) {
			t.Fatalf("zot does not answer: %v", err)
		}
	}
}
