package remote

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// startCache starts bazel-remote on free ports of this machine and returns the
// address of its gRPC interface.
func startCache(t *testing.T) string {
	t.Helper()
	program := os.Getenv("BAZEL_REMOTE")
	if program == "" {
		t.Skip("needs bazel-remote, run it with tools/dev/remote")
	}
	grpc, web := freeAddress(t), freeAddress(t)
	cmd := exec.Command(program, "--dir", t.TempDir(), "--max_size", "5", "--http_address", web, "--grpc_address", grpc)
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		_ = log.Close()
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

// TestCacheServesAnotherClone builds in one clone and once more in another, with
// another path, user and home: every action is a hit there, and with
// --remote_download_minimal no blob of the artifact has to come along.
func TestCacheServesAnotherClone(t *testing.T) {
	cache := startCache(t)
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
