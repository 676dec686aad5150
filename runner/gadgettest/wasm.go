package gadgettest

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// WasmProgram returns the wasm program of the Go source in dir, or the file built,
// where Bazel has built it.
func WasmProgram(tb testing.TB, dir, built string) []byte {
	tb.Helper()
	out := built
	if out == "" {
		out = buildWasm(tb, dir)
	}
	module, err := os.ReadFile(out)
	if err != nil {
		tb.Fatal(err)
	}
	return module
}

func buildWasm(tb testing.TB, dir string) string {
	tb.Helper()
	if _, err := exec.LookPath("go"); err != nil {
		tb.Skip("needs a Go toolchain in PATH to build a wasm program")
	}
	out := filepath.Join(tb.TempDir(), "program.wasm")
	cmd := exec.Command("go", "build", "-buildmode=c-shared", "-trimpath", "-ldflags=-s -w", "-o", out, "program.go")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "GOPROXY=off", "GOFLAGS=-mod=mod", "GOWORK=off")
	if text, err := cmd.CombinedOutput(); err != nil {
		tb.Fatalf("%s: %v", text, err)
	}
	return out
}
