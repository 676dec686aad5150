package consumer

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// usePrebuilt is what a MODULE.bazel has for prebuilt tools.
const usePrebuilt = `
bpf = use_extension("@rules_gadget//toolchain:extensions.bzl", "bpf")
bpf.prebuilt_tools(
    lock = "//:gadget_tools.lock.json",
    public_key = "//:release.pub",
)
`

// everyTool is a package whose targets need all tools but that for bindings in Go.
const everyTool = `load("@rules_gadget//rules:defs.bzl", "btf_shard", "gadget")

btf_shard(
    name = "debian12",
    archives = glob(["*.btf.tar.xz"]),
    shard = "debian/12/x86_64",
)

gadget(
    name = "hello",
    srcs = ["gadget.yaml", "program.bpf.c"],
    btf = [":debian12"],
)
`

// fromSource builds the tools although there is a lock file.
const fromSource = "--@rules_gadget//toolchain:tools_from_source"

// outputs has everything that a gadget is built to.
const outputs = "--output_groups=+attestations,+btf,+compile_commands,+digest,+reports"

// prebuilt makes a workspace with the lock file of a release.
func prebuilt(t *testing.T, name string, r *release) *workspace {
	t.Helper()
	w := newWorkspace(t, name, map[string]string{"hello/BUILD.bazel": everyTool})
	sources := filepath.Join(w.checkout, "e2e/bzlmod/hello")
	archives, err := filepath.Glob(filepath.Join(w.checkout, "gadgets/kernels/debian/12/x86_64/*.btf.tar.xz"))
	if err != nil || len(archives) == 0 {
		t.Fatalf("no archive: %v", err)
	}
	for _, from := range append(archives, filepath.Join(sources, "program.bpf.c"), filepath.Join(sources, "gadget.yaml")) {
		data, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		w.write(t, filepath.Join("hello", filepath.Base(from)), string(data))
	}
	public, err := r.key.Public.PEM()
	if err != nil {
		t.Fatal(err)
	}
	w.write(t, "release.pub", string(public))
	w.write(t, "MODULE.bazel", w.read(t, "MODULE.bazel")+usePrebuilt)
	w.write(t, "gadget_tools.lock.json", text(t, r.lock))
	return w
}

// spawn is one action of an execution log.
type spawn struct {
	Mnemonic string `json:"mnemonic"`
	CacheHit bool   `json:"cacheHit"`
}

// spawns builds and returns the actions that ran or came from a cache.
func (w *workspace) spawns(t *testing.T, args ...string) []spawn {
	t.Helper()
	log := filepath.Join(filepath.Dir(w.dir), "spawns.json")
	w.bazel(t, append([]string{"build", outputs, "--execution_log_json_file=" + log}, args...)...)
	data, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	var all []spawn
	for dec := json.NewDecoder(bytes.NewReader(data)); ; {
		var s spawn
		if err := dec.Decode(&s); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatalf("reading the execution log: %v", err)
		}
		all = append(all, s)
	}
}

// mnemonics lists those of actions, each once.
func mnemonics(spawns []spawn) []string {
	var all []string
	for _, s := range spawns {
		all = append(all, s.Mnemonic)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// build builds everything and returns the mnemonics of the actions that ran or came from
// a cache, and what was made.
func (w *workspace) build(t *testing.T, flags ...string) ([]string, map[string]string) {
	t.Helper()
	spawns := w.spawns(t, append(flags, "//...")...)
	made := map[string]string{}
	for _, name := range []string{
		"image.digest", "image.provenance.json", "image.spdx.json", "image_/btf.amd64.tar.gz", "compat.txt",
		"image_/compile_commands.json",
	} {
		made[name] = w.read(t, filepath.Join("bazel-bin/hello", name))
	}
	return mnemonics(spawns), made
}

// buildWithoutGo builds everything, in which every tool must run and nothing of Go, and
// returns what was made.
func (w *workspace) buildWithoutGo(t *testing.T) map[string]string {
	t.Helper()
	ran, made := w.build(t)
	t.Logf("with the lock file: %s", strings.Join(ran, " "))
	for _, mnemonic := range ran {
		if strings.HasPrefix(mnemonic, "Go") {
			t.Errorf("%s ran, though no Go need be compiled", mnemonic)
		}
	}
	for _, mnemonic := range []string{
		"BpfCompile", "BtfGen", "BtfImport", "BtfLayer", "GadgetAttest", "GadgetCompat", "GadgetCompdb", "GadgetIndex",
		"GadgetManifest",
	} {
		if !slices.Contains(ran, mnemonic) {
			t.Errorf("no %s ran, so nothing is proven about it", mnemonic)
		}
	}
	return made
}

// TestPrebuilt builds a gadget with the tools of a lock file, without any Go, and with
// tools that are built, to the same bytes.
func TestPrebuilt(t *testing.T) {
	r := newRelease(t)
	w := prebuilt(t, "prebuilt", r)
	want := w.buildWithoutGo(t)
	actions := w.bazel(t, "aquery", `mnemonic("GoCompilePkg|GoLink", deps(//...))`, "--output=summary")
	if !strings.Contains(actions, "No actions matched.") {
		t.Errorf("the graph has actions that compile Go:\n%s", actions)
	}
	fetched, size := w.repositories(t)
	t.Logf("%d repositories, %d MB: %s", len(fetched), size/1e6, largest(fetched))
	for name := range fetched {
		if strings.Contains(name, "go_deps") {
			t.Errorf("%s is fetched, though no Go need be compiled", name)
		}
	}
	if matrix := w.bazel(t, "run", "//hello:compat"); !strings.Contains(matrix, "debian/12") {
		t.Errorf("the matrix by a prebuilt tool is %q", matrix)
	}
	ran, got := w.build(t, fromSource, "--disk_cache="+os.Getenv("XDG_CACHE_HOME")+"/rules_gadget/disk")
	if !slices.Contains(ran, "GoLink") {
		t.Errorf("no tool was built from source: %s", strings.Join(ran, " "))
	}
	same(t, "prebuilt tools and those that are built", want, got)
	// The lock file has no programs for arm64, so that nothing is chosen for the host.
	_, got = w.build(t, "--host_platform=@rules_gadget//platforms:linux_arm64",
		"--extra_execution_platforms=@rules_gadget//platforms:linux_amd64")
	same(t, "this host and one of another architecture with workers of this one", want, got)
	t.Run("without bzlmod", func(t *testing.T) { withoutBzlmod(t, r, want) })
	t.Run("refused", func(t *testing.T) { refused(t, w, r) })
}

// withoutBzlmod builds the same in a workspace that has a WORKSPACE in place of a
// MODULE.bazel, and gives it a lock file of another version.
func withoutBzlmod(t *testing.T, r *release, want map[string]string) {
	w := prebuilt(t, "without bzlmod", r)
	w.useWorkspaceFile(t, `prebuilt_tools = {"lock": "//:gadget_tools.lock.json", "public_key": "//:release.pub"}`)
	artifact := maps.Clone(want)
	delete(artifact, "image_/compile_commands.json") // has names of repositories, which are others
	same(t, "a workspace with bzlmod and one without", artifact, w.buildWithoutGo(t))
	other := r.lock
	other.Version = "9.9.9"
	w.write(t, "gadget_tools.lock.json", text(t, other))
	const refusal = "gadget_tools.lock.json: tools of version 9.9.9, and these rules have version 0.1.0"
	if out, err := w.try("build", "--nobuild", "//hello:image"); err == nil || !strings.Contains(out, refusal) {
		t.Errorf("a lock file of another version: %v, want %q:\n%s", err, refusal, out)
	}
}

// same compares what two builds made.
func same(t *testing.T, between string, want, got map[string]string) {
	t.Helper()
	for name := range want {
		if got[name] != want[name] {
			t.Errorf("%s differs between %s:\n%s\n%s", name, between, want[name], got[name])
		}
	}
}

// refused breaks the lock file in several ways; each is one sentence.
func refused(t *testing.T, w *workspace, r *release) {
	good := r.lock.Programs["gadget-tools"]["linux/amd64"]
	other, edited := r.lock, good
	other.Version = "9.9.9"
	edited.SHA256 = strings.Repeat("0", 64)
	const hint = "; copy gadget_tools.lock.json of release v0.1.0, or build the tools: " + fromSource
	for name, c := range map[string]struct{ lock, want string }{
		"another version": {
			text(t, other),
			"gadget_tools.lock.json: tools of version 9.9.9, and these rules have version 0.1.0" + hint,
		},
		"edited": {
			r.with(t, "linux/amd64", edited),
			`program "gadget-tools" for linux/amd64: 'signature' does not verify: another key made it, or for another file` + hint,
		},
		"not JSON": {"{", "gadget_tools.lock.json: not a JSON object" + hint},
		"another file at the URL": {
			r.with(t, "linux/amd64", r.locked(t, good.URLs[0], []byte("other"))),
			`"gadget-tools" for linux/amd64: no URL has the file with sha256 d9298a10d1b0735837dc4bd85dac641b0f3cef27a47e5d53a54f2f3f5b2fcffa`,
		},
		"another machine": {
			r.with(t, "linux/arm64", good),
			"gadget_tools.lock.json has gadget-tools for linux/arm64 only, and an action runs on another machine; " +
				"build it from source: " + fromSource,
		},
	} {
		w.write(t, "gadget_tools.lock.json", c.lock)
		if out, err := w.try("build", "--nobuild", "//hello:image"); err == nil || !strings.Contains(out, c.want) {
			t.Errorf("%s: %v, want %q:\n%s", name, err, c.want, out)
		}
		if out, err := w.try("build", "--nobuild", fromSource, "//hello:image"); err != nil {
			t.Errorf("%s: from source: %v\n%s", name, err, out)
		}
	}
}
