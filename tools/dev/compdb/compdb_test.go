// Package compdb holds compile_commands.json of real gadgets against the real
// compiler.
package compdb

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// entry is an entry of compile_commands.json.
type entry struct {
	Directory, File string
	Arguments       []string
}

// TestClangRunsCommands writes compile_commands.json as "bazel run" does, and has
// the pinned clang read each source by exactly the arguments that editors take: those
// of its first entry; the first source for all architectures.
func TestClangRunsCommands(t *testing.T) {
	location := os.Getenv("COMPDB")
	if location == "" {
		t.Skip("needs what Bazel gives as runfiles, run it with bazel test")
	}
	workspace := workspaceOf(t, os.Getenv("COMPDB_SOURCE"))
	entries := write(t, location, workspace)
	loader := loaderOf(t, strings.Fields(os.Getenv("COMPDB_TOOLCHAIN")))
	seen := map[string]bool{}
	for _, e := range entries {
		if seen[e.File] && e.File != entries[0].File {
			continue
		}
		seen[e.File] = true
		if e.Directory != workspace {
			t.Fatalf("the directory of %q is %q, want %q", e.File, e.Directory, workspace)
		}
		if out, err := check(loader, e); err != nil || out != "" {
			t.Errorf("%q: %v, clang says:\n%s", e.File, err, out)
		}
	}
	if len(entries) == 0 {
		t.Fatal("no entry, so nothing is proven")
	}
	// Without the last directory of headers, that of vmlinux.h, no source is understood.
	e := entries[0]
	e.Arguments = append(e.Arguments[:len(e.Arguments)-3:len(e.Arguments)-3], e.Arguments[len(e.Arguments)-1])
	if out, err := check(loader, e); err == nil || !strings.Contains(out, "vmlinux.h") {
		t.Errorf("without vmlinux.h: %v, clang says %q", err, out)
	}
}

// runfile returns the path of a runfile.
func runfile(location string) string {
	return filepath.Join(os.Getenv("TEST_SRCDIR"), filepath.FromSlash(location))
}

// workspaceOf returns the root of the workspace that contains a source.
func workspaceOf(t *testing.T, location string) string {
	t.Helper()
	file, err := filepath.EvalSymlinks(runfile(location))
	if err != nil {
		t.Fatal(err)
	}
	_, path, _ := strings.Cut(location, "/")
	workspace, ok := strings.CutSuffix(file, "/"+path)
	if !ok {
		t.Fatalf("%q is not %q of a workspace", file, path)
	}
	return workspace
}

// write runs the target twice, which must give the same, and returns the entries.
func write(t *testing.T, location, workspace string) []entry {
	t.Helper()
	out := filepath.Join(t.TempDir(), "compile_commands.json")
	list := strings.TrimSuffix(filepath.Dir(location), "_") + ".list.json"
	var texts []string
	for range 2 {
		cmd := exec.Command(runfile(location), "--out="+out)
		cmd.Env = []string{
			"TEST_SRCDIR=" + os.Getenv("TEST_SRCDIR"), "GADGET_COMPDB_LIST=" + list, "BUILD_WORKSPACE_DIRECTORY=" + workspace,
		}
		if output, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, output)
		}
		data, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(data))
	}
	if texts[0] != texts[1] {
		t.Errorf("written twice it differs:\n%s\n%s", texts[0], texts[1])
	}
	var entries []entry
	if err := json.Unmarshal([]byte(texts[0]), &entries); err != nil {
		t.Fatal(err)
	}
	return entries
}

// loaderOf returns the command that starts programs of the toolchain.
func loaderOf(t *testing.T, locations []string) []string {
	t.Helper()
	var loader string
	var libraries []string
	seen := map[string]bool{}
	for _, location := range locations {
		name := filepath.Base(location)
		if strings.HasPrefix(name, "ld-linux") {
			loader = runfile(location)
		}
		if dir := filepath.Dir(runfile(location)); strings.Contains(name, ".so") && !seen[dir] {
			seen[dir] = true
			libraries = append(libraries, dir)
		}
	}
	if loader == "" {
		t.Fatalf("no dynamic loader among %q", locations)
	}
	return []string{loader, "--library-path", strings.Join(libraries, ":")}
}

// check runs clang as an editor does and returns what it says.
func check(loader []string, e entry) (string, error) {
	args := append(append(loader[1:len(loader):len(loader)], e.Arguments...), "-fsyntax-only")
	cmd := exec.Command(loader[0], args...)
	cmd.Dir, cmd.Env = e.Directory, []string{}
	out, err := cmd.CombinedOutput()
	return string(out), err
}
