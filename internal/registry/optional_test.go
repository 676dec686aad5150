package registry_test

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	ggcr "github.com/google/go-containerregistry/pkg/registry"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/oci"
	"github.com/rules-gadget/rules_gadget/internal/registry"
	"github.com/rules-gadget/rules_gadget/internal/registry/registrytest"
	"github.com/rules-gadget/rules_gadget/internal/store"
)

// intercepted starts a registry in memory whose requests handle may answer first.
func intercepted(t *testing.T, handle func(w http.ResponseWriter, r *http.Request) bool) string {
	t.Helper()
	inner := ggcr.New(ggcr.Logger(log.New(io.Discard, "", 0)))
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !handle(w, r) {
			inner.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(srv.Close)
	return strings.TrimPrefix(srv.URL, "http://")
}

func answer(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"errors":[{"code":%q,"message":"made up"}]}`, code)
}

// TestRefusedMount: a mount is optional.
func TestRefusedMount(t *testing.T) {
	for _, status := range []int{401, 403, 404, 405, 500} {
		var asked atomic.Int64
		addr := intercepted(t, func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodHead && strings.HasPrefix(r.URL.Path, "/v2/b/x/blobs/") {
				w.WriteHeader(http.StatusNotFound) // the proxied registry has one place for all
				return true
			}
			if r.URL.Query().Get("mount") == "" {
				return false
			}
			asked.Add(1)
			answer(w, status, "DENIED")
			return true
		})
		c, a := newClient(t, registry.Options{}).WithShortTimeouts(), registrytest.NewArtifact(t, 1, 1000)
		for _, repository := range []string{"a/x", "b/x"} {
			if _, err := c.Push(t.Context(), registry.PushRequest{
				Blobs: a, Root: a.Root,
				Repository: parse(t, addr+"/"+repository), Tags: []string{"v1"},
			}); err != nil {
				t.Errorf("%d: %v", status, err)
			}
		}
		if asked.Load() == 0 {
			t.Errorf("%d: no mount was requested", status)
		}
	}
}

// TestRefusedRange: where the rest of a blob cannot be had, all of it is read
// again.
func TestRefusedRange(t *testing.T) {
	for _, status := range []int{400, 416} {
		var cut atomic.Int64
		var content *registrytest.Artifact
		addr := intercepted(t, func(w http.ResponseWriter, r *http.Request) bool {
			switch {
			case r.Method != http.MethodGet || !strings.Contains(r.URL.Path, "/blobs/"):
				return false
			case r.Header.Get("Range") != "":
				answer(w, status, "RANGE_INVALID")
				return true
			case cut.Add(1) > 1:
				return false
			}
			for _, b := range content.Blobs {
				if strings.HasSuffix(r.URL.Path, b.Digest.String()) {
					w.Header().Set("Content-Length", fmt.Sprint(len(b.Data)))
					_, _ = w.Write(b.Data[:len(b.Data)/2])
					break
				}
			}
			return true
		})
		content = registrytest.NewArtifact(t, 1, 100_000)
		pushTo(t, addr, content)
		s, err := store.Open(filepath.Join(t.TempDir(), "state"))
		if err != nil {
			t.Fatal(err)
		}
		if err := pull(newClient(t, registry.Options{}).WithShortTimeouts(), s, parse(t, addr+"/g:v1")); err != nil {
			t.Errorf("%d: %v", status, err)
		}
	}
}

// TestTagReadAsDigest: a registry that gives back the artifact itself under the
// tag of its referrers can list none; all else works, at once.
func TestTagReadAsDigest(t *testing.T) {
	addr := intercepted(t, func(w http.ResponseWriter, r *http.Request) bool {
		if strings.Contains(r.URL.Path, "/referrers/") {
			answer(w, http.StatusNotFound, "NOT_FOUND")
			return true
		}
		i := strings.Index(r.URL.Path, "/manifests/sha256-")
		if i >= 0 && len(r.URL.Path) == i+len("/manifests/sha256-")+64 && r.Method != http.MethodPut {
			r.URL.Path = strings.Replace(r.URL.Path, "sha256-", "sha256:", 1)
		}
		return false
	})
	var stderr strings.Builder
	c, err := registry.New(registry.Options{Config: &registry.Config{}, Log: func(line string) {
		stderr.WriteString(line)
	}})
	if err != nil {
		t.Fatal(err)
	}
	c.WithShortTimeouts()
	a, ref, start := registrytest.NewArtifact(t, 1, 1000), parse(t, addr+"/g:v1"), time.Now()
	doc, root, err := registry.ReferrerManifest(a.Root, registry.Document{MediaType: statement, Data: []byte("{}")})
	if err != nil {
		t.Fatal(err)
	}
	blobs := oci.NewMemory(a.Blobs...)
	for d, data := range doc {
		blobs[d] = data
	}
	if _, err = c.Push(t.Context(), registry.PushRequest{
		Blobs: blobs, Root: a.Root, Repository: ref, Tags: []string{"v1"}, Referrers: []registry.Referrer{{Root: root}},
	}); err != nil || !strings.Contains(stderr.String(), "clients cannot find them") {
		t.Errorf("push: %v, said %q", err, &stderr)
	}
	if d, err := c.Resolve(t.Context(), ref); err != nil || d.Digest != a.Root.Digest {
		t.Errorf("the tag is %v, %v", d, err)
	}
	if found, err := c.AllReferrers(t.Context(), ref, a.Root.Digest); err != nil || len(found) > 0 {
		t.Errorf("referrers: %v, %v, want none", found, err)
	}
	if _, err := c.Attach(t.Context(), ref, a.Root,
		registry.Document{MediaType: statement, Data: []byte("{}")}); err == nil ||
		!strings.Contains(err.Error(), "gives back the artifact itself") {
		t.Errorf("attach: %v", err)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("it took %s", took)
	}
}

// TestFinalAnswers: what does not pass is not tried again.
func TestFinalAnswers(t *testing.T) {
	for _, code := range []string{"NAME_UNKNOWN", "NAME_INVALID", "UNSUPPORTED"} {
		var asked atomic.Int64
		addr := intercepted(t, func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method != http.MethodPost {
				return false
			}
			asked.Add(1)
			answer(w, http.StatusNotFound, code)
			return true
		})
		a := registrytest.NewArtifact(t, 1, 1000)
		blobs := int64(3) // of which some may be under way when the first is refused
		_, err := newClient(t, registry.Options{}).WithShortTimeouts().Push(t.Context(), registry.PushRequest{
			Blobs: a, Root: a.Root, Repository: parse(t, addr+"/g:v1"),
		})
		if err == nil || asked.Load() > blobs {
			t.Errorf("%s: %d requests, %v", code, asked.Load(), err)
		}
		if code == "NAME_UNKNOWN" && (err == nil || !strings.Contains(err.Error(), "no such repository")) {
			t.Errorf("%s: %v", code, err)
		}
	}
}

// TestNamesOfThisMachine: a name of this machine that resolves to another is
// not contacted, and a registry here redirects no client elsewhere over plain HTTP.
func TestNamesOfThisMachine(t *testing.T) {
	for resolved, ok := range map[string]bool{"127.0.0.1:5000": true, "[::1]:5000": true, "192.0.2.1:5000": false} {
		if err := registry.CheckLoopback("evil.localhost:5000", resolved); (err == nil) != ok {
			t.Errorf("%s: %v", resolved, err)
		}
	}
	addr := intercepted(t, func(w http.ResponseWriter, r *http.Request) bool {
		http.Redirect(w, r, "http://192.0.2.1/v2/", http.StatusTemporaryRedirect)
		return true
	})
	_, err := newClient(t, registry.Options{}).WithShortTimeouts().Resolve(t.Context(), parse(t, addr+"/g:v1"))
	if err == nil || !strings.Contains(err.Error(), "unencrypted") {
		t.Errorf("a redirect to plain HTTP elsewhere: %v", err)
	}
}

// TestPasswordOfAMirror: what an address holds before the @ is in no error.
func TestPasswordOfAMirror(t *testing.T) {
	for _, location := range []string{"user:secret@mirror.example", "https://user:secret@mirror.example"} {
		_, err := registry.ParseConfig(fmt.Appendf(nil,
			"[[registry]]\nprefix = \"r.example\"\n[[registry.mirror]]\nlocation = %q\n", location))
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: error %v", location, err)
		}
	}
}

// TestHangingHelpers: a helper that does not stop writing, or at all, is ended.
func TestHangingHelpers(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	for name, tc := range map[string]struct{ script, want string }{
		"writes on":       {"yes", "it answered more than"},
		"leaves children": {"sleep 100 & exit 1", "running credential helper"},
	} {
		if err := os.WriteFile(filepath.Join(dir, "docker-credential-test"), []byte("#!/bin/sh\n"+tc.script+"\n"),
			0o700); err != nil {
			t.Fatal(err)
		}
		auth := filepath.Join(dir, "auth.json")
		if err := os.WriteFile(auth, []byte(`{"credsStore":"test"}`), 0o600); err != nil {
			t.Fatal(err)
		}
		creds, err := registry.FindCredentials(auth)
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		if _, _, err := creds.Lookup(t.Context(), "r.example", "x"); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v", name, err)
		}
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("%s: it took %s", name, took)
		}
	}
}

func TestReferenceAdvice(t *testing.T) {
	for text, want := range map[string]string{
		"docker://r.example/x": "has a scheme", "https://r.example/x": "has a scheme", "r.example:99999/x": "use 1 to 65535",
	} {
		if _, err := registry.ParseReference(text, registry.Defaults{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	if _, err := registry.ParseRepository("localhost:5000", registry.Defaults{}); err == nil ||
		!strings.Contains(err.Error(), "write localhost:5000/NAME") {
		t.Errorf("a registry alone: %v", err)
	}
}

// TestChallengeOfAResource: a registry may be open at /v2/ and want a token, or a
// password, for its repositories.
func TestChallengeOfAResource(t *testing.T) {
	for _, scheme := range []string{"bearer", "basic"} {
		var addr string
		addr = intercepted(t, func(w http.ResponseWriter, r *http.Request) bool {
			user, password, _ := r.BasicAuth()
			authenticated := user == "u" && password == "p"
			switch {
			case r.URL.Path == "/v2/":
				w.WriteHeader(http.StatusOK)
				return true
			case r.URL.Path == "/token" && authenticated:
				fmt.Fprint(w, `{"token":"good"}`)
				return true
			case r.URL.Path != "/token" &&
				(scheme == "basic" && authenticated || r.Header.Get("Authorization") == "Bearer good"):
				return false
			case r.URL.Path == "/token" || scheme == "basic":
				w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
			default:
				w.Header().Set("WWW-Authenticate", fmt.Sprintf(
					`Bearer realm="http://%s/token",service="s",scope="repository:g:pull,push"`, addr))
			}
			answer(w, http.StatusUnauthorized, "UNAUTHORIZED")
			return true
		})
		auth := filepath.Join(t.TempDir(), "auth.json")
		c := newClient(t, registry.Options{AuthFile: auth}).WithShortTimeouts()
		if _, err := c.Login(t.Context(), addr, "u", "wrong"); err == nil ||
			!strings.Contains(err.Error(), "wrong user name or password") {
			t.Errorf("%s: login with a wrong password: %v", scheme, err)
		}
		if _, err := c.Login(t.Context(), addr, "u", "p"); err != nil {
			t.Fatalf("%s: login: %v", scheme, err)
		}
		a, ref := registrytest.NewArtifact(t, 1, 1000), parse(t, addr+"/g:v1")
		c = newClient(t, registry.Options{AuthFile: auth}).WithShortTimeouts()
		if _, err := c.Push(t.Context(), registry.PushRequest{
			Blobs: a, Root: a.Root, Repository: ref,
			Tags: []string{"v1"},
		}); err != nil {
			t.Errorf("%s: push: %v", scheme, err)
		}
		s, err := store.Open(filepath.Join(t.TempDir(), "state"))
		if err != nil {
			t.Fatal(err)
		}
		if err := pull(newClient(t, registry.Options{AuthFile: auth}).WithShortTimeouts(), s, ref); err != nil {
			t.Errorf("%s: pull: %v", scheme, err)
		}
	}
}

// TestChallengesOfOneRegistry: each repository may send its own challenge, and for more
// than the scope of the request.
func TestChallengesOfOneRegistry(t *testing.T) {
	var addr string
	wants := map[string]string{
		"one": "token-of-one", "other": "token-of-other",
		"more": "token-of-one with repository:more/x:extra",
	}
	addr = intercepted(t, func(w http.ResponseWriter, r *http.Request) bool {
		user, password, _ := r.BasicAuth()
		authenticated := user == "u" && password == "p"
		repository, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/v2/"), "/")
		server, isServer := strings.CutPrefix(r.URL.Path, "/token-of-")
		want, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		switch {
		case isServer && authenticated:
			token := "token-of-" + server
			if scopes := r.URL.Query()["scope"]; slices.Contains(scopes, "repository:more/x:extra") {
				token += " with repository:more/x:extra"
			}
			fmt.Fprintf(w, `{"token":%q}`, token)
			return true
		case r.URL.Path == "/v2/", !isServer && bearer && want == wants[repository], repository == "plain" && authenticated:
			return false
		case isServer || repository == "plain":
			w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
		case repository == "more" && bearer:
			w.Header().Set("WWW-Authenticate", fmt.Sprintf(
				`Bearer realm="http://%s/token-of-one",service="s",scope="repository:more/x:extra",error="insufficient_scope"`,
				addr))
		default:
			w.Header().Set("WWW-Authenticate", fmt.Sprintf(
				`Bearer realm="http://%s/token-of-%s",service="s",scope="repository:%s/x:pull"`,
				addr, map[string]string{"one": "one", "other": "other", "more": "one"}[repository], repository))
		}
		answer(w, http.StatusUnauthorized, "UNAUTHORIZED")
		return true
	})
	auth := filepath.Join(t.TempDir(), "auth.json")
	text := fmt.Sprintf(`{"auths":{%q:{"username":"u","password":"p"}}}`, addr)
	if err := os.WriteFile(auth, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c := newClient(t, registry.Options{AuthFile: auth}).WithShortTimeouts()
	a := registrytest.NewArtifact(t, 1, 1000)
	for _, repository := range []string{"one", "plain", "other", "more"} {
		ref := parse(t, addr+"/"+repository+"/x:v1")
		push := registry.PushRequest{Blobs: a, Root: a.Root, Repository: ref, Tags: []string{"v1"}}
		if _, err := c.Push(t.Context(), push); err != nil {
			t.Errorf("push to %s: %v", repository, err)
		}
		s, err := store.Open(filepath.Join(t.TempDir(), "state"))
		if err != nil {
			t.Fatal(err)
		}
		if err := pull(c, s, ref); err != nil {
			t.Errorf("pull from %s: %v", repository, err)
		}
	}
}

// TestCopyMounts: within one registry nothing is sent that can be mounted.
func TestCopyMounts(t *testing.T) {
	var mounts atomic.Int64
	addr := intercepted(t, func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodHead && strings.HasPrefix(r.URL.Path, "/v2/b/y/blobs/") {
			w.WriteHeader(http.StatusNotFound)
			return true
		}
		if r.URL.Query().Get("mount") != "" && r.URL.Query().Get("from") == "g" {
			mounts.Add(1)
			w.WriteHeader(http.StatusCreated)
			return true
		}
		return false
	})
	a, src := registrytest.NewArtifact(t, 1, 1000), parse(t, addr+"/g:v1")
	pushTo(t, addr, a)
	doc := registry.Document{MediaType: statement, Data: []byte("{1}")}
	if _, err := newClient(t, registry.Options{}).WithShortTimeouts().Attach(t.Context(), src, a.Manifests[arch.ARM64],
		doc); err != nil {
		t.Fatal(err)
	}
	res, err := newClient(t, registry.Options{}).WithShortTimeouts().Copy(t.Context(), src, parse(t, addr+"/b/y:v1"))
	if err != nil || res.Referrers != 1 || res.Mounted != 5 || mounts.Load() != 5 { // the document has two
		t.Errorf("%+v, %v, %d mounts, want 5", res, err, mounts.Load())
	}
}
