package consumer

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const module = `module(name = "consumer")

bazel_dep(name = "rules_gadget", version = "0.1.0")
bazel_dep(name = "rules_go", version = "0.63.0")

local_path_override(
    module_name = "rules_gadget",
    path = %q,
)

go_sdk = use_extension("@rules_go//go:extensions.bzl", "go_sdk")
go_sdk.host()
`

// workspaceFile replaces the module without bzlmod: it has the checkout's path
// and the arguments of bpf_register_toolchains.
const workspaceFile = `workspace(name = "consumer")

load("@bazel_tools//tools/build_defs/repo:local.bzl", "local_repository")

local_repository(
    name = "rules_gadget",
    path = %q,
)

load("@rules_gadget//rules:repositories.bzl", "rules_gadget_dependencies")

rules_gadget_dependencies()

load("@rules_gadget//rules:setup.bzl", "rules_gadget_setup")

rules_gadget_setup(go_version = "host")

load("@rules_gadget//toolchain:repositories.bzl", "bpf_register_toolchains")

bpf_register_toolchains(%s)
`

// files are the consumer's workspace, but for its MODULE.bazel: a gadget as in the
// README.
var files = map[string]string{
	".bazelrc":            "common --enable_bzlmod\ncommon --repo_env=BAZEL_DO_NOT_DETECT_CPP_TOOLCHAIN=1\n",
	"BUILD.bazel":         "",
	"hello/BUILD.bazel":   "load(\"@rules_gadget//rules:defs.bzl\", \"gadget\")\n\ngadget(name = \"hello\")\n",
	"hello/gadget.yaml":   "name: hello\n",
	"hello/program.bpf.c": "char LICENSE[] __attribute__((section(\"license\"))) = \"GPL\";\n",
}

// workspace is a consumer's, with its own output base and home.
type workspace struct {
	dir, base, checkout string
	env                 []string
}

// newWorkspace writes files, and others over them, below the name.
func newWorkspace(t *testing.T, name string, others map[string]string) *workspace {
	t.Helper()
	dir := os.Getenv("CONSUMER_TEST_DIR")
	if dir == "" {
		t.Skip("needs a directory for a workspace, run it with tools/dev/consumer")
	}
	w := &workspace{
		dir: filepath.Join(dir, name, "workspace"), base: filepath.Join(dir, name, "base"),
		checkout: os.Getenv("CONSUMER_TEST_CHECKOUT"),
		env:      append(os.Environ(), "HOME="+filepath.Join(dir, name, "home")),
	}
	w.write(t, "MODULE.bazel", fmt.Sprintf(module, w.checkout))
	for _, all := range []map[string]string{files, others} {
		for name, text := range all {
			w.write(t, name, text)
		}
	}
	t.Cleanup(func() { w.bazel(t, "shutdown") })
	return w
}

// useWorkspaceFile replaces MODULE.bazel by a WORKSPACE.
func (w *workspace) useWorkspaceFile(t *testing.T, toolchains string) {
	t.Helper()
	if err := os.Remove(filepath.Join(w.dir, "MODULE.bazel")); err != nil {
		t.Fatal(err)
	}
	w.write(t, "WORKSPACE", fmt.Sprintf(workspaceFile, w.checkout, toolchains))
	const bzlmod, none = "--enable_bzlmod", "--noenable_bzlmod --enable_workspace"
	w.write(t, ".bazelrc", strings.Replace(files[".bazelrc"], bzlmod, none, 1))
}

// write writes a file of the workspace.
func (w *workspace) write(t *testing.T, name, text string) {
	t.Helper()
	full := filepath.Join(w.dir, name)
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(full, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// read reads a file of the workspace.
func (w *workspace) read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(w.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// try runs a command of Bazel and returns what it printed.
func (w *workspace) try(args ...string) (string, error) {
	cmd := exec.Command(filepath.Join(w.checkout, "bazelw"), append([]string{"--output_base=" + w.base}, args...)...)
	cmd.Dir, cmd.Env = w.dir, w.env
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// bazel runs a command of Bazel, which must succeed, and returns what it printed.
func (w *workspace) bazel(t *testing.T, args ...string) string {
	t.Helper()
	out, err := w.try(args...)
	if err != nil {
		t.Fatalf("bazel %s: %v\n%s", args[0], err, out)
	}
	return out
}

// repositories returns the fetched repositories with their sizes, and the sum. Links
// lead to what was there before.
func (w *workspace) repositories(t *testing.T) (map[string]int64, int64) {
	t.Helper()
	external := filepath.Join(w.base, "external")
	all, err := os.ReadDir(external)
	if err != nil {
		t.Fatal(err)
	}
	sizes, sum := map[string]int64{}, int64(0)
	for _, entry := range all {
		if !entry.IsDir() {
			continue
		}
		size := int64(0)
		err := filepath.WalkDir(filepath.Join(external, entry.Name()), func(_ string, file fs.DirEntry, err error) error {
			if err == nil && file.Type().IsRegular() {
				var info fs.FileInfo
				if info, err = file.Info(); err == nil {
					size += info.Size()
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		sizes[entry.Name()] = size
		sum += size
	}
	return sizes, sum
}
