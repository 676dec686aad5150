package remote

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// ours are the mnemonics of the actions of the rules.
var ours = regexp.MustCompile("^(Bpf|Btf|Gadget|Wasm)")

// ruleTargets have every action of the rules: a gadget with BTF for kernels, one with a
// wasm program in Go, bindings, and a matrix.
var ruleTargets = []string{
	target, "//gadgets/trace_open:compat", "//rules/tests/minimal:bindings", "//rules/tests/wasm:image",
}

// ruleOutputs has every output of them built.
const ruleOutputs = "--output_groups=+digest,+attestations,+compile_commands"

// ruleMnemonics are the actions that ruleTargets have.
var ruleMnemonics = []string{
	"BpfCompile", "BtfGen", "BtfImport", "BtfLayer", "GadgetAttest", "GadgetCompat", "GadgetCompdb", "GadgetGoBindings",
	"GadgetIndex", "GadgetManifest", "WasmCompile",
}

// checkout is the tree itself with all that ruleTargets need, for builds that run the
// actions of the rules again, and those alone.
func checkout(t *testing.T) *workspace {
	t.Helper()
	if os.Getenv("REMOTE_TEST_DIR") == "" {
		t.Skip("needs Bazel, run it with tools/dev/remote")
	}
	w := &workspace{dir: os.Getenv("REMOTE_TEST_CHECKOUT"), env: os.Environ()}
	// What a cache has and was never downloaded is missing in a build without that cache.
	flags := []string{"--color=no", "--curses=no", "--remote_download_outputs=all", ruleOutputs}
	out, err := w.bazel("build", append(flags, ruleTargets...)...)
	if err != nil {
		t.Fatalf("building what the actions need: %v\n%s", err, out)
	}
	return w
}

// ruleFlags have every action of mnemonics run again, or looked up in a remote cache:
// what is declared about an action is part of its key on this machine, and
// not of its key in a remote cache.
func ruleFlags(mnemonics string) []string {
	return []string{
		"--color=no", "--curses=no", "--noshow_progress", "--disk_cache=", ruleOutputs,
		fmt.Sprintf("--modify_execution_info=%s=+try-%d", mnemonics, time.Now().UnixNano()),
	}
}

// buildRules builds ruleTargets and returns the actions of the rules and the digest of
// the artifact of target.
func (w *workspace) buildRules(t *testing.T, args ...string) ([]spawn, string) {
	t.Helper()
	log := filepath.Join(t.TempDir(), "spawns.json")
	all := slices.Concat(ruleFlags(ours.String()+".*"), []string{"--execution_log_json_file=" + log}, args, ruleTargets)
	start := time.Now()
	out, err := w.bazel("build", all...)
	if err != nil {
		t.Fatalf("building with %q: %v\n%s", args, err, out)
	}
	spawns := readSpawns(t, log)
	if others := misses(spawns, func(s spawn) bool { return ours.MatchString(s.Mnemonic) }); others != "" {
		t.Errorf("actions of others ran:%s", others)
	}
	for _, mnemonic := range ruleMnemonics {
		if !slices.ContainsFunc(spawns, func(s spawn) bool { return s.Mnemonic == mnemonic }) {
			t.Errorf("no %s ran, so nothing is proven about it", mnemonic)
		}
	}
	t.Logf("%d actions in %.0f s", len(spawns), time.Since(start).Seconds())
	return spawns, w.digest(t)
}

// hermetic are the flags for Bazel's hermetic sandbox: a root that has an action's
// declared inputs and no file of this machine.
var hermetic = []string{"--experimental_use_hermetic_linux_sandbox", "--nosandbox_default_allow_network"}

// TestRulesInEmptyRoot runs every action of the rules in such a root, without a shell, a
// library or another file of this machine.
func TestRulesInEmptyRoot(t *testing.T) {
	w := checkout(t)
	want := w.digest(t)
	args := slices.Clone(hermetic)
	for _, mnemonic := range ruleMnemonics {
		args = append(args, "--strategy="+mnemonic+"=linux-sandbox")
	}
	spawns, digest := w.buildRules(t, args...)
	if digest != want {
		t.Errorf("the digest is %s in an empty root and %s in a full one", digest, want)
	}
	inSandbox := func(s spawn) bool { return s.Runner == "linux-sandbox" && !s.CacheHit }
	if others := misses(spawns, inSandbox); others != "" {
		t.Errorf("not run in the empty root:%s", others)
	}
	// The root has no shell: the one action of rules_go that starts a script fails there.
	args = append(ruleFlags("^GoToolchainBinaryBuild$"), "--spawn_strategy=linux-sandbox")
	out, err := w.bazel("build", slices.Concat(args, hermetic, ruleTargets)...)
	if err == nil || !strings.Contains(out, "binary_wrapper.sh") {
		t.Errorf("a script ran in the empty root, so nothing is proven: %v\n%s", err, out)
	}
}
