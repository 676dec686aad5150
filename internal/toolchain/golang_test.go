package toolchain_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rules-gadget/rules_gadget/internal/toolchain"
)

// fakeGo writes a program go below dir that says where things are.
func fakeGo(t *testing.T, dir, version string) string {
	t.Helper()
	path := filepath.Join(dir, "bin", "go")
	script := "#!/bin/sh\nshift\nfor v; do case $v in GOROOT) echo " + dir +
		";; GOMODCACHE) echo /modules;; GOVERSION) echo " + version + ";; esac; done\n"
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestGo(t *testing.T) {
	inPath, inRoot, named := t.TempDir(), t.TempDir(), t.TempDir()
	program := fakeGo(t, named, "go1.3")
	fakeGo(t, inPath, "go1.1")
	fakeGo(t, inRoot, "go1.2")
	for _, tc := range []struct{ name, path, goroot, search, want, wrong string }{
		{name: "in PATH", search: inPath, want: inPath},
		{name: "of GOROOT", goroot: inRoot, search: inPath, want: inRoot},
		{name: "directory that is named", path: named, goroot: inRoot, search: inPath, want: named},
		{name: "program that is named", path: program, goroot: inRoot, search: inPath, want: named},
		{name: "none", search: t.TempDir(), wrong: "PATH has no Go toolchain, install Go 1.24 or newer, name it " +
			"with --go, or name a .wasm file"},
		{name: "GOROOT of nothing", goroot: t.TempDir(), wrong: "looking for the Go toolchain that GOROOT names: "},
		{name: "name of nothing", path: "/no/such/go", wrong: "looking for the Go toolchain that --go names: "},
		{name: "another program", path: "/bin/true", wrong: "it is not a Go toolchain"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Setenv("PATH", filepath.Join(tc.search, "bin")+":/bin:/usr/bin")
			if tc.name == "none" {
				t.Setenv("PATH", tc.search)
			}
			g := toolchain.Go{Path: tc.path, Cache: "cache", Getenv: func(string) string { return tc.goroot }}
			got, err := g.Toolchain(context.Background())
			if tc.wrong != "" {
				if err == nil || !strings.Contains(err.Error(), tc.wrong) {
					t.Errorf("got error %v, want %q", err, tc.wrong)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got.Root != tc.want || got.ModCache != "/modules" || got.Cache != "cache" {
				t.Errorf("got %+v, want the one in %s", got, tc.want)
			}
			if id := g.Identity(context.Background()); !strings.HasPrefix(id, "go1.") || !strings.HasSuffix(id, tc.want) {
				t.Errorf("got identity %q", id)
			}
		})
	}
}
