package consumer

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rules-gadget/rules_gadget/internal/registry/registrytest"
)

// startCache starts bazel-remote on free ports of this machine and returns the
// address of its gRPC interface.
func startCache(t *testing.T) string {
	t.Helper()
	program := os.Getenv("BAZEL_REMOTE")
	if program == "" {
		t.Skip("needs bazel-remote, run it with tools/dev/consumer")
	}
	grpc, web := freeAddress(t), freeAddress(t)
	cmd := exec.Command(program, "--dir", t.TempDir(), "--max_size", "5", "--http_address", web, "--grpc_address", grpc)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	})
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if conn, err := net.Dial("tcp", grpc); err == nil {
			_ = conn.Close()
			return "grpc://" + grpc
		}
		if time.Now().After(deadline) {
			t.Fatal("bazel-remote does not listen")
		}
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// TestCacheServesOthers builds in a workspace and once more in that of another user,
// at another path and with another home: every action is a hit there. No blob of the
// artifact comes along until it is pushed.
func TestCacheServesOthers(t *testing.T) {
	r := newRelease(t)
	cache := "--remote_cache=" + startCache(t)
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
		t.Error("the artifact was downloaded, although nothing asked for it")
	}
	registry := registrytest.Start(t, registrytest.Config{}).Addr
	push := append([]string{"run"}, flags...)
	out := two.bazel(t, append(push, "//hello:push", "--", "--repository", registry+"/hello", "--tag", "v1")...)
	one.bazel(t, "build", cache, "--output_groups=digest", "//hello:image")
	if digest := strings.TrimSpace(one.read(t, "bazel-bin/hello/image.digest")); !strings.Contains(out, "/hello@"+digest) {
		t.Errorf("push says %q, want the digest %s", out, digest)
	}
}
