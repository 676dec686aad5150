// Package bazelremote runs bazel-remote, a remote cache of Bazel, for a test.
package bazelremote

import (
	"net"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// Start starts the bazel-remote that BAZEL_REMOTE names on free ports of this machine, until
// the test ends, and returns the URL of its gRPC interface. The test is skipped without one.
func Start(t *testing.T) string {
	t.Helper()
	program := os.Getenv("BAZEL_REMOTE")
	if program == "" {
		t.Skip("needs bazel-remote, run it with the script of tools/dev that has the package's name")
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
			t.Fatalf("bazel-remote does not listen at %s", grpc)
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
