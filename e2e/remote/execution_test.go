package remote

import (
	"os"
	"strings"
	"testing"
)

// TestExecutor builds on the executor that REMOTE_EXECUTOR names: every action
// runs there, the digest is that of a local build, and a second clone finds all
// results.
func TestExecutor(t *testing.T) {
	executor := os.Getenv("REMOTE_EXECUTOR")
	if executor == "" {
		t.Skip("needs REMOTE_EXECUTOR=grpc://HOST:PORT")
	}
	want := plainDigest(t)
	remote := []string{
		"--config=remote", "--remote_executor=" + executor, "--spawn_strategy=remote", "--noremote_local_fallback",
	}
	first := newWorkspace(t, "first")
	spawns, digest := first.build(t, remote...)
	if digest != want {
		t.Errorf("the digest is %s when built remotely and %s when built here", digest, want)
	}
	atRemote := func(s spawn) bool { return s.CacheHit || strings.HasPrefix(s.Runner, "remote") }
	if local := misses(spawns, atRemote); local != "" {
		t.Errorf("not run remotely:%s", local)
	}
	second := newWorkspace(t, "second")
	spawns, _ = second.build(t, append(remote, "--remote_download_minimal")...)
	if missed := misses(spawns, func(s spawn) bool { return s.CacheHit }); missed != "" {
		t.Errorf("not taken from the cache:%s", missed)
	}
}

// TestForeignHost builds as on an arm64 machine with amd64 workers: Bazel's host
// is declared to be arm64, and the platform of the workers is amd64.
func TestForeignHost(t *testing.T) {
	w := newWorkspace(t, "foreign")
	_, digest := w.build(t, "--config=remote", "--host_platform=//platforms:linux_arm64",
		"--disk_cache="+os.Getenv("XDG_CACHE_HOME")+"/rules_gadget/disk")
	if want := plainDigest(t); digest != want {
		t.Errorf("the digest is %s with a foreign host and %s without", digest, want)
	}
}
