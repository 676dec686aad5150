package consumer

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = `module(name = "consumer")

bazel_dep(name = "rules_gadget", version = "0.1.0")
bazel_dep(name = "rules_go", version = "0.65.0")

local_path_override(
    module_name = "rules_gadget",
    path = %q,
)

go_sdk = use_extension("@rules_go//go:extensions.bzl", "go_sdk")
go_sdk.host()
`

// files are the consumer's workspace, but for its MODULE.bazel: a gadget as in the
// README.
var files = map[string]string{
	".bazelrc":            "common --enable_bzlmod\ncommon --repo_env=BAZEL_DO_NOT_DETECT_CPP_TOOLCHAIN=1\n",
	"hello/BUILD.bazel":   "load(\"@rules_gadget//rules:defs.bzl\", \"gadget\")\n\ngadget(name = \"hello\")\n",
	"hello/gadget.yaml":   "name: hello\n",
	"hello/program.bpf.c": "char LICENSE[] __attribute__((section(\"license\"))) = \"GPL\";\n",
}

// runnerOnly are Go modules that gadget-run alone needs.
var runnerOnly = []string{
	"grpc", "containerd_api", "ttrpc", "cri_api", "expr_lang", "netlink", "otlp", "wazero", "go_seccomp",
}

// steps are what a consumer builds, each with what may be fetched up to then.
var steps = []struct {
	target       string
	repositories int
	megabytes    int
	never        []string // parts of names of repositories that nothing of it needs
}{
	{"//hello:image", 33, 450, append([]string{"sigstore", "go_containerregistry", "docker_cli"}, runnerOnly...)},
	{"//hello:push", 38, 465, runnerOnly},
	{"//hello:run", 60, 590, nil},
}

// TestFetched looks at which repositories Bazel has fetched once it has analyzed each
// target, in an output base that was empty before.
func TestFetched(t *testing.T) {
	dir := os.Getenv("CONSUMER_TEST_DIR")
	if dir == "" {
		t.Skip("needs a directory for a workspace, run it with tools/dev/consumer")
	}
	checkout := os.Getenv("CONSUMER_TEST_CHECKOUT")
	workspace, base := filepath.Join(dir, "workspace"), filepath.Join(dir, "base")
	for name, text := range files {
		write(t, filepath.Join(workspace, name), text)
	}
	write(t, filepath.Join(workspace, "MODULE.bazel"), fmt.Sprintf(module, checkout))
	bazel := func(args ...string) {
		t.Helper()
		cmd := exec.Command(filepath.Join(checkout, "bazelw"), append([]string{"--output_base=" + base}, args...)...)
		cmd.Dir = workspace
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("bazel %s: %v\n%s", args[0], err, out)
		}
	}
	t.Cleanup(func() { bazel("shutdown") })
	for _, s := range steps {
		bazel("build", "--nobuild", s.target)
		fetched, bytes := repositories(t, filepath.Join(base, "external"))
		t.Logf("%s: %d repositories, %d MB: %s", s.target, len(fetched), bytes/1e6, largest(fetched))
		if len(fetched) > s.repositories || bytes > int64(s.megabytes)*1e6 {
			t.Errorf("%s needs %d repositories and %d MB, at most %d and %d are wanted: %s", s.target, len(fetched), bytes/1e6,
				s.repositories, s.megabytes, strings.Join(slices.Sorted(maps.Keys(fetched)), " "))
		}
		for name := range fetched {
			for _, part := range s.never {
				if strings.Contains(name, part) {
					t.Errorf("%s fetches %s, which it does not need", s.target, name)
				}
			}
		}
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// repositories returns the fetched repositories with their sizes, and the sum. Links
// lead to what was there before.
func repositories(t *testing.T, external string) (map[string]int64, int64) {
	t.Helper()
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

// largest names what takes most.
func largest(sizes map[string]int64) string {
	names := slices.SortedFunc(maps.Keys(sizes), func(a, b string) int { return int(sizes[b] - sizes[a]) })
	var parts []string
	for _, name := range names[:min(5, len(names))] {
		parts = append(parts, fmt.Sprintf("%s %d MB", name, sizes[name]/1e6))
	}
	return strings.Join(parts, ", ")
}
