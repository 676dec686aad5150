package registry_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/oci"
	ours "github.com/rules-gadget/rules_gadget/internal/registry"
	"github.com/rules-gadget/rules_gadget/internal/registry/registrytest"
	"github.com/rules-gadget/rules_gadget/internal/store"
)

// account is the htpasswd line of alice with the password below.
const (
	account  = "alice:$2a$04$PZOLuhf/YlDg2a9ZVKpPfON0gQoUu4k7H3PMk03dL3aDgzXDqpx.6\n"
	password = "s3cret with spaces"
)

func TestCredentialsDoNotFollowARedirect(t *testing.T) {
	srv := registrytest.Start(t, registrytest.Config{Htpasswd: account})
	plain := registrytest.Start(t, registrytest.Config{})
	a := registrytest.NewArtifact(t, 1, 1000)
	pushTo(t, plain.Addr, a)
	other := registrytest.NewProxy(t, plain.Addr, onAll(0, registrytest.Fault{}))
	front := registrytest.NewProxy(t, srv.Addr, func(r *http.Request, _ int) registrytest.Fault {
		if strings.Contains(r.URL.Path, "/blobs/") && r.Method == http.MethodGet {
			return registrytest.Fault{Location: "http://" + other.Addr + r.URL.Path}
		}
		return registrytest.Fault{}
	})
	file := filepath.Join(t.TempDir(), "auth.json")
	c := newClient(t, ours.Options{AuthFile: file}).WithShortTimeouts()
	ctx := context.Background()
	for _, addr := range []string{front.Addr, srv.Addr} {
		if _, err := c.Login(ctx, addr, "alice", password); err != nil {
			t.Fatal(err)
		}
	}
	q := ours.PushRequest{Blobs: a, Root: a.Root, Repository: parse(t, srv.Addr+"/g"), Tags: []string{"v1"}}
	if _, err := c.Push(ctx, q); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(filepath.Join(t.TempDir(), "state"))
	if err != nil {
		t.Fatal(err)
	}
	if err := pull(c, s, parse(t, front.Addr+"/g:v1")); err != nil {
		t.Fatal(err)
	}
	if len(front.Authorizations()) == 0 || other.Seen("GET /v2/g/blobs") == 0 {
		t.Fatal("the test proves nothing: no credentials sent, or no redirect followed")
	}
	if got := other.Authorizations(); len(got) > 0 {
		t.Errorf("the other host got credentials: %q", got)
	}
}

// tokenServer is a registry with bearer tokens, which it gives out itself.
func tokenServer(t *testing.T, tokens *atomic.Int64) *httptest.Server {
	t.Helper()
	backend := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/token" {
			user, pass, _ := r.BasicAuth()
			if user != "alice" || pass != password {
				http.Error(w, `{"errors":[{"code":"UNAUTHORIZED","message":"no"}]}`, http.StatusUnauthorized)
				return
			}
			fmt.Fprintf(w, `{"token":"t%d"}`, tokens.Add(1))
			return
		}
		if !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer t") {
			w.Header().Set("WWW-Authenticate", `Bearer realm="http://`+r.Host+`/token",service="s"`)
			http.Error(w, "{}", http.StatusUnauthorized)
			return
		}
		backend.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	return srv
}

func TestBearerTokens(t *testing.T) {
	var tokens atomic.Int64
	addr := strings.TrimPrefix(tokenServer(t, &tokens).URL, "http://")
	file := filepath.Join(t.TempDir(), "auth.json")
	ctx := context.Background()
	a := registrytest.NewArtifact(t, 1, 1000)
	q := ours.PushRequest{Blobs: a, Root: a.Root, Repository: parse(t, addr+"/g"), Tags: []string{"v1"}}
	if _, err := newClient(t, ours.Options{AuthFile: file}).WithShortTimeouts().Push(ctx, q); err == nil ||
		!strings.Contains(err.Error(), "gadget-run login "+addr) {
		t.Errorf("push without credentials = %v, want the advice to log in", err)
	}
	c := newClient(t, ours.Options{AuthFile: file}).WithShortTimeouts()
	if _, err := c.Login(ctx, addr, "alice", "wrong"); err == nil ||
		!strings.Contains(err.Error(), "wrong user name or password") {
		t.Errorf("login = %v", err)
	}
	if _, err := c.Login(ctx, addr, "alice", password); err != nil {
		t.Fatal(err)
	}
	before := tokens.Load()
	if _, err := c.Push(ctx, q); err != nil {
		t.Fatal(err)
	}
	if n := tokens.Load() - before; n != 1 {
		t.Errorf("a push took %d tokens, want 1", n)
	}
	if user, err := c.LoggedIn(ctx, addr); err != nil || user != "alice" {
		t.Errorf("LoggedIn = %q, %v", user, err)
	}
}

func TestPlainHTTPRequiresFlag(t *testing.T) {
	var got atomic.Int64
	inner := roundTripper(func(r *http.Request) (*http.Response, error) {
		got.Add(1)
		return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader("")), Request: r}, nil
	})
	req := httptest.NewRequest(http.MethodGet, "http://registry.example/v2/", nil)
	if _, err := ours.Guard(inner, false).RoundTrip(req); !errors.Is(err, ours.ErrPlainHTTP) || got.Load() != 0 {
		t.Errorf("plain HTTP to another machine: %v, %d requests", err, got.Load())
	}
	resp, err := ours.Guard(inner, true).RoundTrip(req)
	if err != nil || got.Load() != 1 {
		t.Errorf("plain HTTP when requested: %v", err)
	} else {
		_ = resp.Body.Close()
	}
	for host, want := range map[string]bool{
		"localhost": true, "localhost:5000": true, "127.0.0.1:1": true, "127.9.9.9": true, "[::1]:5000": true,
		"x.localhost:1": true,
		"10.0.0.1":      false, "192.168.1.1:5000": false, "localhost.evil.example": false, "registry.local": false,
		"127.0.0.1.evil": false,
	} {
		if ours.IsLoopback(host) != want {
			t.Errorf("IsLoopback(%q) = %v", host, !want)
		}
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestNoAnswerInTime(t *testing.T) {
	release := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	t.Cleanup(func() { close(release); srv.Close() })
	c := newClient(t, ours.Options{}).WithShortTimeouts()
	_, err := c.Resolve(context.Background(), parse(t, strings.TrimPrefix(srv.URL, "http://")+"/x"))
	checkOutcome(t, err, "it did not answer in time")
}

// TestHostileArtifacts pulls what no registry should store.
func TestHostileArtifacts(t *testing.T) {
	a := registrytest.NewArtifact(t, 1, 1000)
	root := a.Root
	for name, tc := range map[string]struct {
		data, err string
	}{
		"names itself": {fmt.Sprintf(`{"schemaVersion":2,"manifests":[{"mediaType":%q,"digest":%q,"size":1}]}`,
			root.MediaType, root.Digest), ""},
		"10000 layers": {
			`{"layers":[` + strings.Repeat(layerOf(1)+",", 9999) + layerOf(1) + `]}`, "at most 1024 are allowed",
		},
		"negative size":   {`{"layers":[` + layerOf(-1) + `]}`, "at most"},
		"huge layer":      {`{"layers":[` + layerOf(1<<40) + `]}`, "at most"},
		"path in digest":  {`{"layers":[{"digest":"sha256:../../../../etc/passwd","size":1}]}`, "digest"},
		"other algorithm": {`{"layers":[{"digest":"sha512:` + strings.Repeat("0", 128) + `","size":1}]}`, "not supported"},
		"no JSON":         {`<html>`, "reading manifest"},
		"missing layer":   {`{"layers":[` + layerOf(5) + `]}`, "not found"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := store.Open(filepath.Join(t.TempDir(), "state"))
			if err != nil {
				t.Fatal(err)
			}
			hostile := manifestOf(tc.data)
			err = s.Put(context.Background(), hostile, hostile.root, "example.com/x:v1", []arch.Arch{arch.AMD64})
			if err == nil || !strings.Contains(err.Error(), tc.err) {
				t.Errorf("Put = %v, want an error with %q", err, tc.err)
			}
			if found, err := s.Fsck(context.Background(), false); err != nil || len(found) > 0 {
				t.Errorf("fsck: %v, %v", found, err)
			}
			if refs, _ := s.List(); len(refs) > 0 {
				t.Errorf("stored: %v", refs)
			}
		})
	}
}

func layerOf(size int) string {
	return fmt.Sprintf(`{"mediaType":"x","digest":"sha256:%064d","size":%d}`, 7, size)
}

// hostile is a place that holds one manifest.
type hostile struct {
	oci.Memory
	root ocispec.Descriptor
}

func manifestOf(data string) hostile {
	b := oci.NewBlob(ocispec.MediaTypeImageManifest, []byte(data))
	return hostile{oci.NewMemory(b), b.Descriptor}
}

// A token that ends in the middle of a push is renewed, and the upload that it
// broke is sent again.
func TestTokenEndsDuringAPush(t *testing.T) {
	var tokens, uploads atomic.Int64
	inner := tokenServer(t, &tokens)
	front := registrytest.NewProxy(t, strings.TrimPrefix(inner.URL, "http://"),
		func(r *http.Request, _ int) registrytest.Fault {
			if r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/blobs/") && uploads.Add(1) == 1 {
				r.Header.Del("Authorization") // as if the token were not valid any more
			}
			return registrytest.Fault{}
		})
	a := registrytest.NewArtifact(t, 1, 100_000)
	file := filepath.Join(t.TempDir(), "auth.json")
	c := newClient(t, ours.Options{AuthFile: file}).WithShortTimeouts()
	ctx := context.Background()
	if _, err := c.Login(ctx, front.Addr, "alice", password); err != nil {
		t.Fatal(err)
	}
	q := ours.PushRequest{Blobs: a, Root: a.Root, Repository: parse(t, front.Addr+"/g"), Tags: []string{"v1"}}
	if _, err := c.Push(ctx, q); err != nil {
		t.Fatal(err)
	}
	if n := uploads.Load(); n < 4 {
		t.Errorf("%d uploads of 3 blobs: none was sent again, so this proves nothing", n)
	}
	pullWhole(t, c, parse(t, front.Addr+"/g:v1"), a)
}
