package remote

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
)

// cacheServer is a remote cache over HTTP that can be made to fail.
type cacheServer struct {
	mu      sync.Mutex
	blobs   map[string][]byte // by path: /ac/HASH, /cas/HASH
	corrupt bool              // answers other bytes than were stored
	left    int               // answers until it goes away
	served  int               // blobs, of those that it has
}

// stays is the number of answers of a cache that does not go away.
const stays = 1 << 30

func newCacheServer(t *testing.T) (*cacheServer, string) {
	t.Helper()
	c := &cacheServer{blobs: map[string][]byte{}, left: stays}
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	return c, server.URL
}

// set changes how it answers from now on, and forgets what it served.
func (c *cacheServer) set(corrupt bool, left int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.corrupt, c.left, c.served = corrupt, left, 0
}

// count returns how many blobs were served since set.
func (c *cacheServer) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.served
}

// ServeHTTP implements http.Handler.
func (c *cacheServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.left--; c.left < 0 {
		panic(http.ErrAbortHandler)
	}
	if r.Method == http.MethodPut {
		c.blobs[r.URL.Path] = body
		return
	}
	blob, ok := c.blobs[r.URL.Path]
	if !ok {
		http.NotFound(w, r)
		return
	}
	if strings.HasPrefix(r.URL.Path, "/cas/") {
		c.served++
		if c.corrupt {
			blob = []byte(strings.Repeat("x", len(blob)))
		}
	}
	_, _ = w.Write(blob)
}

// TestRulesWithFailingCache fills a cache and builds again with it: while it is well,
// while it answers with other bytes than were stored, and while it goes away in the
// middle. With --remote_download_outputs=all the digest is the same each time.
// Otherwise Bazel may find out too late to build itself what it lacks; then it ends.
func TestRulesWithFailingCache(t *testing.T) {
	w := checkout(t)
	server, url := newCacheServer(t)
	cache := []string{"--remote_cache=" + url, "--remote_retries=1"}
	all := slices.Concat(cache, []string{"--remote_download_outputs=all"})
	_, want := w.buildRules(t, all...)
	for _, test := range []struct {
		name    string
		corrupt bool
		left    int
	}{
		{"well", false, stays},
		{"other bytes", true, stays},
		{"gone in the middle", false, 10},
	} {
		t.Run(test.name, func(t *testing.T) {
			server.set(test.corrupt, test.left)
			spawns, got := w.buildRules(t, all...)
			if got != want {
				t.Errorf("the digest is %s, and %s without the fault", got, want)
			}
			missed := strings.Count(misses(spawns, func(s spawn) bool { return s.CacheHit }), "\n")
			t.Logf("%d of %d actions are hits, the cache served %d blobs", len(spawns)-missed, len(spawns), server.count())
			if server.count() == 0 {
				t.Error("the cache served nothing, so nothing is proven")
			}
			if well := test.name == "well"; well != (missed == 0) {
				t.Errorf("%d of %d actions are not hits", missed, len(spawns))
			}
		})
	}
	t.Run("other bytes, found late", func(t *testing.T) {
		server.set(true, stays)
		args := append(ruleFlags(ours.String()+".*"), ruleTargets...)
		out, err := w.bazel("build", slices.Concat(args, cache, []string{"--remote_download_outputs=toplevel"})...)
		var failed *exec.ExitError
		if !errors.As(err, &failed) || failed.ExitCode() != remoteError || !strings.Contains(out, "Expected digest") {
			t.Errorf("%v, want exit code %d and which digest is wrong:\n%s", err, remoteError, out)
		}
		if out, err := w.bazel("build", args...); err != nil {
			t.Errorf("without the cache afterwards: %v\n%s", err, out)
		}
		if got := w.digest(t); got != want {
			t.Errorf("the digest is %s afterwards, and %s without the fault", got, want)
		}
	})
}

// remoteError is the exit code of Bazel when the bytes of a result cannot be had.
const remoteError = 39
