package toolchain_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/pinned"
	"github.com/rules-gadget/rules_gadget/internal/toolchain"
)

func TestFailedFetchLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	broken := errors.New("broken")
	p := toolchain.Pinned{Cache: dir, Host: arch.AMD64, Fetch: func(context.Context, pinned.Package) ([]byte, error) {
		return nil, broken
	}}
	var group sync.WaitGroup
	for range 3 { // several at once
		group.Go(func() {
			if _, err := p.Toolchains(context.Background(), arch.All()); !errors.Is(err, broken) {
				t.Errorf("Toolchains = %v", err)
			}
		})
	}
	group.Wait()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 || entries[0].Name() != "toolchain.lock" {
		t.Errorf("left in the cache: %v, %v", entries, err)
	}
	p.Fetch = func(context.Context, pinned.Package) ([]byte, error) { return []byte("no package"), nil }
	if _, err := p.Toolchains(context.Background(), arch.All()); err == nil {
		t.Error("what is not a package was taken for one")
	}
	p.Host = "riscv64"
	if _, err := p.Toolchains(context.Background(), arch.All()); err == nil {
		t.Error("a machine that nothing is pinned for got a toolchain")
	}
}

func TestLocal(t *testing.T) {
	bin := t.TempDir()
	const search = "#!/bin/sh\necho '#include <...> search starts here:\n /own/include\n /other\nEnd of search list.' " +
		">&2\n"
	for _, name := range []string{"clang-19", "my-strip"} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte(search), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", bin)
	env := map[string]string{"LLVM-STRIP": filepath.Join(bin, "my-strip")}
	l := toolchain.Local{Cache: t.TempDir(), Includes: []string{"/mine"}, Getenv: func(k string) string { return env[k] }}
	for range 2 {
		tcs, err := l.Toolchains(arch.All())
		if err != nil {
			t.Fatal(err)
		}
		tc := tcs[arch.ARM64]
		if tc.Clang != filepath.Join(bin, "clang-19") || tc.Strip != env["LLVM-STRIP"] || tc.SystemIncludes[0] != "/mine" ||
			!slices.Equal(tc.OwnIncludes, []string{"/own/include", "/other"}) {
			t.Errorf("toolchain %+v", tc)
		}
		for _, header := range []string{
			filepath.Join(tc.SystemIncludes[1], "gadget", "macros.h"),
			filepath.Join(tc.SystemIncludes[len(tc.SystemIncludes)-1], "vmlinux.h"),
		} {
			if _, err := os.Stat(header); err != nil {
				t.Error(err)
			}
		}
	}
	before, err := l.Identity()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(bin, "clang-19"), []byte("#!/bin/sh\n# new\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if after, err := l.Identity(); err != nil || after == before {
		t.Errorf("a new clang has the identity of the old one: %v", err)
	}
	env["CLANG"] = "absent-clang"
	if _, err := l.Toolchains(arch.All()); err == nil {
		t.Error("a clang that is not there was found")
	}
}
