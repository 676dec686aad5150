package compdb

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"compdb": Main})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata", RequireUniqueNames: true})
}

func TestPlaces(t *testing.T) {
	p, err := newPlaces("/home/me/base/execroot/_main/bazel-out/k8/bin/g/image_/x.json", "/ws")
	if err != nil {
		t.Fatal(err)
	}
	got := p.command(command{File: "external/r/g/p.c", Arguments: []string{
		"external/llvm/clang", "-DX=external/y", "-Ig", "-Iexternal/r/g", "-Ibazel-out/k8/bin/external/r/g", "-I./external",
		"./a.c",
	}})
	want := command{Directory: "/ws", File: "/home/me/base/external/r/g/p.c", Arguments: []string{
		"/home/me/base/external/llvm/clang", "-DX=external/y", "-Ig", "-I/home/me/base/external/r/g",
		"-I/home/me/base/execroot/_main/bazel-out/k8/bin/external/r/g", "-I/home/me/base/external", "./a.c",
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("command (-want +got):\n%s", diff)
	}
	for _, output := range []string{"/x/y.json", "/x/bazel-out/y.json"} {
		if _, err := newPlaces(output, "/ws"); err == nil || !strings.Contains(err.Error(), `start it with "bazel run"`) {
			t.Errorf("%q: %v, want an error with the hint", output, err)
		}
	}
}

func FuzzMerge(f *testing.F) {
	f.Add([]byte(`[{"directory":"/w","file":"a.c","arguments":["cc"]}]`))
	f.Add([]byte(`[{"directory":"/w","file":"/w/b.c","command":"cc b.c"}]`))
	f.Add([]byte(`[{}]`))
	f.Add([]byte(`{}`))
	f.Add([]byte(`[null,1]`))
	ours := []command{{Directory: "/w", File: "a.c", Arguments: []string{"clang"}}}
	f.Fuzz(func(t *testing.T, existing []byte) {
		once, err := merge(existing, ours)
		if err != nil {
			return
		}
		twice, err := merge(once, ours)
		if err != nil || string(once) != string(twice) {
			t.Errorf("merged twice: %v\n%s\n%s", err, once, twice)
		}
	})
}

func TestInstallRefusesOtherFiles(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"m/list": `["m/x"]`, "m/x": `[]`} {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("RUNFILES_DIR", dir)
	if _, err := installed("m/list", "/ws"); err == nil || !strings.Contains(err.Error(), "output directory") {
		t.Errorf("error %v", err)
	}
}
