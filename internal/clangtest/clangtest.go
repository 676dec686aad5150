// Package clangtest finds a clang 19 for tests: the pinned one among Bazel's
// runfiles, or the machine's own.
package clangtest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Toolchain is a clang and how to run it.
type Toolchain struct {
	// Clang and Strip are the programs.
	Clang, Strip string
	// Loader, when set, runs them with libraries from LibraryPath.
	Loader      string
	LibraryPath []string
}

// Find returns a toolchain, or skips the test if none exists.
func Find(t testing.TB) Toolchain {
	t.Helper()
	if dir := os.Getenv("TEST_SRCDIR"); dir != "" {
		if tc, ok := inRunfiles(dir); ok {
			return tc
		}
	}
	clang, err := exec.LookPath("clang-19")
	if err != nil {
		t.Skip("needs clang-19, in PATH or as //toolchain:current in the test's data")
	}
	strip, err := exec.LookPath("llvm-strip-19")
	if err != nil {
		t.Skip("needs llvm-strip-19 in addition to clang-19")
	}
	return Toolchain{Clang: clang, Strip: strip}
}

// inRunfiles finds the tree of Debian packages that //toolchain:current is.
func inRunfiles(dir string) (Toolchain, bool) {
	clangs, err := filepath.Glob(filepath.Join(dir, "*", "usr/lib/llvm-19/bin/clang"))
	if err != nil || len(clangs) == 0 {
		return Toolchain{}, false
	}
	root := filepath.Join(filepath.Dir(clangs[0]), "../../../..")
	loaders, err := filepath.Glob(filepath.Join(root, "lib/*-linux-gnu/ld-linux-*"))
	if err != nil || len(loaders) == 0 {
		return Toolchain{}, false
	}
	triplet := filepath.Base(filepath.Dir(loaders[0]))
	return Toolchain{
		Clang: clangs[0], Strip: filepath.Join(filepath.Dir(clangs[0]), "llvm-strip"), Loader: loaders[0],
		LibraryPath: []string{
			filepath.Join(root, "lib", triplet), filepath.Join(root, "usr/lib", triplet),
			filepath.Join(root, "usr/lib/llvm-19/lib"),
		},
	}, true
}

// Command returns a command that runs program, one of the toolchain's.
func (tc Toolchain) Command(program string, args ...string) *exec.Cmd {
	if tc.Loader == "" {
		return exec.Command(program, args...)
	}
	path := ""
	for _, dir := range tc.LibraryPath {
		path += dir + ":"
	}
	return exec.Command(tc.Loader, append([]string{"--library-path", path, program}, args...)...)
}

// Standalone returns the toolchain as programs that run as they are: where it has
// a loader, scripts around it.
func (tc Toolchain) Standalone(t testing.TB) Toolchain {
	t.Helper()
	if tc.Loader == "" {
		return tc
	}
	dir := t.TempDir()
	script := func(program string) string {
		name := filepath.Join(dir, filepath.Base(program))
		text := "#!/bin/sh\nexec " + strings.Join(tc.Command(program).Args, " ") + " \"$@\"\n"
		if err := os.WriteFile(name, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
		return name
	}
	return Toolchain{Clang: script(tc.Clang), Strip: script(tc.Strip)}
}
