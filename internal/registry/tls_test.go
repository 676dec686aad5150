package registry_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/rules-gadget/rules_gadget/internal/registry"
	"github.com/rules-gadget/rules_gadget/internal/registry/registrytest"
)

func TestPrivateAuthority(t *testing.T) {
	ca := registrytest.NewCA(t)
	cert, key := ca.Issue(t, "server")
	srv := registrytest.Start(t, registrytest.Config{CertFile: cert, KeyFile: key})
	dir := t.TempDir()
	copyFile(t, ca.File, filepath.Join(dir, "ca.crt"))
	empty := writeFile(t, filepath.Join(t.TempDir(), "empty.pem"), "no PEM")
	byHost := &registry.Config{Registries: []registry.RegistryConfig{{
		Prefix: srv.Addr, Location: srv.Addr, CAFile: ca.File,
	}}}
	for name, tc := range map[string]struct {
		options registry.Options
		err     string
	}{
		"unknown":           {registry.Options{}, "its certificate does not verify"},
		"CA file":           {registry.Options{CAFile: ca.File}, ""},
		"directory":         {registry.Options{CertDir: dir}, ""},
		"configuration":     {registry.Options{Config: byHost}, ""},
		"insecure":          {registry.Options{Insecure: true}, ""},
		"insecure host":     {registry.Options{InsecureRegistries: []string{srv.Addr}}, ""},
		"insecure others":   {registry.Options{InsecureRegistries: []string{"other.example"}}, "does not verify"},
		"no such file":      {registry.Options{CAFile: "/absent.pem"}, "reading certificates"},
		"not a certificate": {registry.Options{CAFile: empty}, "contains no PEM certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, tc.options).WithShortTimeouts()
			a := registrytest.NewArtifact(t, 1, 10)
			_, err := c.Push(context.Background(), registry.PushRequest{
				Blobs: a, Root: a.Root, Repository: parse(t, srv.Addr+"/g"),
			})
			checkOutcome(t, err, tc.err)
		})
	}
}

func TestClientCertificate(t *testing.T) {
	ca := registrytest.NewCA(t)
	cert, key := ca.Issue(t, "server")
	srv := registrytest.Start(t, registrytest.Config{CertFile: cert, KeyFile: key, ClientCAFile: ca.File})
	dir := t.TempDir()
	clientCert, clientKey := ca.Issue(t, "client")
	copyFile(t, ca.File, filepath.Join(dir, "ca.crt"))
	a := registrytest.NewArtifact(t, 1, 10)
	q := registry.PushRequest{Blobs: a, Root: a.Root, Repository: parse(t, srv.Addr+"/g")}
	if _, err := newClient(t, registry.Options{CertDir: dir}).WithShortTimeouts().Push(t.Context(), q); err == nil {
		t.Error("the push succeeded without a client certificate")
	}
	copyFile(t, clientCert, filepath.Join(dir, "me.cert"))
	if _, err := newClient(t, registry.Options{CertDir: dir}).WithShortTimeouts().Push(t.Context(), q); err == nil {
		t.Error("a certificate without its key was accepted")
	}
	copyFile(t, clientKey, filepath.Join(dir, "me.key"))
	if _, err := newClient(t, registry.Options{CertDir: dir}).WithShortTimeouts().Push(t.Context(), q); err != nil {
		t.Error(err)
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestTLSWithSilentServer: a TLS server on this machine need not answer to plain
// HTTP at all.
func TestTLSWithSilentServer(t *testing.T) {
	ca := registrytest.NewCA(t)
	cert, key := ca.Issue(t, "server")
	srv := registrytest.Start(t, registrytest.Config{CertFile: cert, KeyFile: key})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go relayTLS(conn, srv.Addr)
		}
	}()
	c := newClient(t, registry.Options{CAFile: ca.File})
	a := registrytest.NewArtifact(t, 1, 10)
	_, err = c.Push(context.Background(), registry.PushRequest{
		Blobs: a, Root: a.Root, Repository: parse(t, l.Addr().String()+"/g"),
	})
	checkOutcome(t, err, "")
}

// relayTLS passes conn on to addr, unless it is not TLS, which gets no answer.
func relayTLS(conn net.Conn, addr string) {
	defer conn.Close()
	r := bufio.NewReader(conn)
	const handshake = 0x16 // the type of the first record
	if first, err := r.Peek(1); err != nil || first[0] != handshake {
		_, _ = io.Copy(io.Discard, r)
		return
	}
	to, err := net.Dial("tcp", addr)
	if err != nil {
		return
	}
	defer to.Close()
	go func() { _, _ = io.Copy(to, r) }()
	_, _ = io.Copy(conn, to)
}
