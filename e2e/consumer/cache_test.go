package consumer

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rules-gadget/rules_gadget/e2e/internal/bazelremote"
	"github.com/rules-gadget/rules_gadget/internal/registry/registrytest"
)

// TestCacheServesOthers builds in a workspace and once more in that of another user,
// at another path and with another home: every action is a hit there. No blob of the
// artifact comes along until it is pushed.
func TestCacheServesOthers(t *testing.T) {
	r := newRelease(t)
	cache := "--remote_cache=" + bazelremote.Start(t)
	flags := []string{cache, "--remote_download_minimal"}
	one := prebuilt(t, "one", r)
	if spawns := one.spawns(t, append(flags, "//...")...); len(spawns) == 0 {
		t.Fatal("no action ran, so nothing is proven")
	}
	two := prebuilt(t, "a path/two", r)
	spawns := two.spawns(t, append(flags, "//...")...)
	if len(spawns) == 0 {
		t.Fatal("no action is in the log, so nothing is proven")
	}
	for _, s := range spawns {
		if !s.CacheHit {
			t.Errorf("%s is not taken from the cache", s.Mnemonic)
		}
	}
	artifact := filepath.Join(two.dir, "bazel-bin/hello/image.oci/index.json")
	if _, err := os.Stat(artifact); err == nil {
		t.Error("the artifact was downloaded, although nothing requested it")
	}
	registry := registrytest.Start(t, registrytest.Config{}).Addr
	push := append([]string{"run"}, flags...)
	out := two.bazel(t, append(push, "//hello:push", "--", "--repository", registry+"/hello", "--tag", "v1")...)
	one.bazel(t, "build", cache, "--output_groups=digest", "//hello:image")
	if digest := strings.TrimSpace(one.read(t, "bazel-bin/hello/image.digest")); !strings.Contains(out, "/hello@"+digest) {
		t.Errorf("push prints %q, want the digest %s", out, digest)
	}
}
