package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// bazelw replaces Bazel: it prints where logs are, and each machine that it
// tests leaves a result there, with what the tests were to be.
const bazelw = `#!/bin/sh
case $1 in info) echo "$PWD/logs"; exit;; esac
echo "$@" >arguments
for arg; do
	case $arg in //gadgets:*)
		dir=logs/gadgets/${arg#*:}/test.outputs
		mkdir -p "$dir"
		echo '{"name": "'"$arg"'", "machine": {"release": "6"},' \
			'"tests": [{"name": "TestOne", "status": "pass"}]}' >"$dir/result.json";;
	esac
done
`

// goCommand replaces the go command, which writes the page.
const goCommand = "#!/bin/sh\necho \"$@\" >page\n"

const kernels = `{"schema": "rules_gadget.kernels/v1", "kernels": [{"name": "6.1", "suite": "s", "arch": "arm64", "release": "6", "version": "1",
  "path": "pool/6.deb", "sha256": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "size": 1}]}`

func workspace(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range map[string]string{
		"bazelw": bazelw, "bin/go": goCommand, "gadgets/one/gadget.yaml": "name: one", "internal/vm/kernels.json": kernels,
	} {
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o755); err != nil { // programs among them
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", filepath.Join(root, "bin")+":"+os.Getenv("PATH"))
	return root
}

func read(t *testing.T, root, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestChanged(t *testing.T) {
	t.Chdir(workspace(t))
	err := run(t.Context(), []string{"--check"})
	if err == nil || !strings.Contains(err.Error(), "the programs of one changed") {
		t.Errorf("--check before the first run: %v", err)
	}
	if err := run(t.Context(), []string{"--changed", "--", "--jobs=2"}); err != nil {
		t.Fatal(err)
	}
	arguments := read(t, ".", "arguments")
	for _, want := range []string{
		"--test_filter=(?i)^Test(one)", "--jobs=2",
		"//gadgets:amd64-6.12_btf //gadgets:arm64-6.1_btf\n",
	} {
		if !strings.Contains(arguments, want) {
			t.Errorf("Bazel got %q, want %q in it", arguments, want)
		}
	}
	if err := run(t.Context(), []string{"--check"}); err != nil {
		t.Errorf("--check after a run: %v", err)
	}
	if page := read(t, ".", "page"); page != "run ./tools/dev/gadgetsdoc\n" {
		t.Errorf("the page was written by %q", page)
	}
	if err := os.Remove("bazelw"); err != nil {
		t.Fatal(err)
	}
	if err := run(t.Context(), []string{"--changed"}); err != nil {
		t.Errorf("--changed with nothing to do: %v", err)
	}
}

func TestWhole(t *testing.T) {
	t.Chdir(workspace(t))
	if err := run(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	got := read(t, ".", "arguments")
	want := "test --keep_going --nocache_test_results --zip_undeclared_test_outputs=false //gadgets:arm64-6.1_btf " +
		"//gadgets:arm64-6.1_nobtf\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("arguments of Bazel (-want +got):\n%s", diff)
	}
	if results := read(t, ".", "gadgets/results.json"); !strings.Contains(results, `"arm64-6.1_nobtf": {"status":"pass"`) {
		t.Errorf("results:\n%s", results)
	}
	if err := run(t.Context(), []string{"--record", "no-such-file"}); err == nil ||
		!strings.Contains(err.Error(), "no-such-file") {
		t.Errorf("a result that is not there: %v", err)
	}
	if _, err := allMachines(fstest.MapFS{"internal/vm/kernels.json": {Data: []byte("{}")}}); err == nil {
		t.Error("a lock file without a schema was taken")
	}
}
