package remote

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rules-gadget/rules_gadget/e2e/internal/bazelremote"
)

// TestCacheServesAnotherClone builds in one clone and once more in another, with
// another path, user and home: every action is a hit there, and with
// --remote_download_minimal no blob of the artifact has to come along.
func TestCacheServesAnotherClone(t *testing.T) {
	cache := bazelremote.Start(t)
	one := newWorkspace(t, "one")
	_, want := one.build(t, "--remote_cache="+cache)

	two := newWorkspace(t, "a path/two")
	spawns, digest := two.build(t, "--remote_cache="+cache)
	if digest != want {
		t.Errorf("the digest is %s in one clone and %s in another", want, digest)
	}
	if missed := misses(spawns, func(s spawn) bool { return s.CacheHit }); missed != "" {
		t.Errorf("not taken from the cache:%s", missed)
	}

	t.Run("minimal download", func(t *testing.T) {
		three := newWorkspace(t, "three")
		spawns, _ := three.build(t, "--remote_cache="+cache, "--remote_download_minimal")
		if missed := misses(spawns, func(s spawn) bool { return s.CacheHit }); missed != "" {
			t.Errorf("not taken from the cache:%s", missed)
		}
		if _, err := os.Stat(filepath.Join(three.dir, "bazel-bin/gadgets/trace_open/image.oci/index.json")); err == nil {
			t.Error("the artifact was downloaded, although not requested")
		}
	})
}
