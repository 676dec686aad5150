package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/rules-gadget/rules_gadget/internal/registry/registrytest"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"push": main})
}

func TestScripts(t *testing.T) {
	srv := registrytest.Start(t, registrytest.Config{})
	layout := registrytest.NewArtifact(t, 1, 1000).Layout(t)
	skopeo := registrytest.Program(t, registrytest.SkopeoEnv, "skopeo")
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("XDG_RUNTIME_DIR", e.WorkDir)
			e.Setenv("XDG_CONFIG_HOME", e.WorkDir)
			e.Setenv("REGISTRY_AUTH_FILE", filepath.Join(e.WorkDir, "auth.json"))
			e.Setenv("REG", srv.Addr)
			e.Setenv("NAME", strings.ToLower(filepath.Base(e.WorkDir)))
			// As Bazel lays runfiles out.
			runfiles := filepath.Join(e.WorkDir, "push.runfiles")
			e.Setenv("RUNFILES_DIR", runfiles)
			if err := os.MkdirAll(filepath.Join(runfiles, "_main"), 0o755); err != nil {
				return err
			}
			e.Setenv("SKOPEO", skopeo)
			return os.Symlink(layout, filepath.Join(runfiles, "_main", "image.oci"))
		},
	})
}

func TestParseRequest(t *testing.T) {
	got, err := parseRequest([]byte(`{"layout":"l","repository":"a","repositories":["b"],"tags":["t"],"status_file":"s"}`))
	want := request{Layout: "l", Repositories: []string{"b", "a"}, Tags: []string{"t"}, StatusFile: "s"}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("parseRequest: %v (-want +got):\n%s", err, diff)
	}
	for _, text := range []string{"", "{}", `{"layout":1}`, `{"layout":"l","unknown":1}`, "[]"} {
		if r, err := parseRequest([]byte(text)); err == nil {
			t.Errorf("parseRequest(%q) = %+v, want an error", text, r)
		}
	}
}

func TestFill(t *testing.T) {
	status := parseStatus("STABLE_GIT_COMMIT abc\r\nBUILD_USER some body\nEMPTY \nnothing\n")
	for text, want := range map[string]string{
		"v1": "v1", "{STABLE_GIT_COMMIT}": "abc", "x-{STABLE_GIT_COMMIT}-y": "x-abc-y", "{not closed": "{not closed",
	} {
		if got, err := fill(text, status); err != nil || got != want {
			t.Errorf("fill(%q) = %q, %v; want %q", text, got, err, want)
		}
	}
	for _, text := range []string{"{ABSENT}", "{EMPTY}"} {
		if got, err := fill(text, status); err == nil || !strings.Contains(err.Error(), "--workspace_status_command") {
			t.Errorf("fill(%q) = %q, %v; want an error with the hint", text, got, err)
		}
	}
}

func TestRunfilesManifest(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"file", "tree/index.json"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	manifest := filepath.Join(dir, "MANIFEST")
	lines := "_main/file " + dir + "/file\n_main/tree " + dir + "/tree\n_main/empty \n"
	if err := os.WriteFile(manifest, []byte(lines), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"RUNFILES_DIR", "TEST_SRCDIR"} {
		t.Setenv(name, "")
	}
	t.Setenv("RUNFILES_MANIFEST_FILE", manifest)
	for path, want := range map[string]string{
		"_main/file": dir + "/file", "_main/tree": dir + "/tree", "_main/tree/index.json": dir + "/tree/index.json",
		manifest: manifest,
	} {
		if got, err := find(path); err != nil || got != want {
			t.Errorf("find(%q) = %q, %v; want %q", path, got, err, want)
		}
	}
	if got, err := find("_main/absent"); err == nil || !strings.Contains(err.Error(), "bazel run") {
		t.Errorf("find of what is not there = %q, %v", got, err)
	}
}
