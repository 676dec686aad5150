// Package deploy_test holds what is in this directory against gadget-run itself:
// flags, manifests and files. The types of Kubernetes are in check, a Go module of
// its own.
package deploy_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"gopkg.in/yaml.v3"

	"github.com/rules-gadget/rules_gadget/internal/gadget"
	"github.com/rules-gadget/rules_gadget/internal/registry"
	"github.com/rules-gadget/rules_gadget/internal/sign"
	"github.com/rules-gadget/rules_gadget/runner/app"
	"github.com/rules-gadget/rules_gadget/runner/lockfile"
)

const example = "kustomize/example"

func read(t *testing.T, elem ...string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(elem...))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestExampleFiles proves that gadget-run takes the files of the example, and that
// they go together.
func TestExampleFiles(t *testing.T) {
	t.Setenv(registry.ConfigEnv, filepath.Join(example, "registries.conf"))
	lock, err := lockfile.Parse(read(t, example, "gadgets.lock"))
	if err != nil {
		t.Fatal(err)
	}
	list, err := lockfile.ReadList(context.Background(), filepath.Join(example, "gadgets.yaml"))
	if err != nil || len(list.Gadgets) != len(lock.Gadgets) {
		t.Errorf("%d gadgets are listed and %d locked, %v", len(list.Gadgets), len(lock.Gadgets), err)
	}
	specs, problems := gadget.ParseInstanceSpecs(read(t, example, "instances.yaml"), "instances.yaml")
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	policy, err := sign.ParsePolicy(read(t, example, "policy.yaml"), "policy.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := registry.HostConfig(); err != nil {
		t.Error(err)
	}
	for _, s := range specs {
		ref, err := registry.ParseReference(s.Image, registry.Defaults{})
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := lock.Find(ref); !ok {
			t.Errorf("the instance %s is not in the lock file", s.Image)
		}
		if !policy.RuleFor(ref.Name(), false).Trusts() {
			t.Errorf("the policy has no key for %s", ref.Name())
		}
	}
}

// TestArguments proves that gadget-run has the flags that are passed to it.
func TestArguments(t *testing.T) {
	model, err := app.Model()
	if err != nil {
		t.Fatal(err)
	}
	var lines [][]string
	for _, file := range []string{"kustomize/base/daemonset.yaml", "helm/gadget-run/templates/daemonset.yaml"} {
		lines = append(lines, podArguments(t, read(t, file))...)
	}
	for line := range strings.SplitSeq(string(read(t, "systemd/gadget-run.service")), "\n") {
		if _, command, ok := strings.Cut(line, "/usr/local/bin/gadget-run "); ok {
			lines = append(lines, strings.Fields(command))
		}
	}
	if len(lines) != 6 {
		t.Fatalf("%d command lines, want a sync and a run of each of 3 files", len(lines))
	}
	for _, args := range lines {
		i := slices.IndexFunc(model.Children, func(n *kong.Node) bool { return n.Name == args[0] })
		if i < 0 {
			t.Errorf("gadget-run has no command %q", args[0])
			continue
		}
		for _, a := range args[1:] {
			name, _, _ := strings.Cut(a, "=")
			has := func(f *kong.Flag) bool { return "--"+f.Name == name }
			if strings.HasPrefix(a, "--") && !slices.ContainsFunc(model.Children[i].Flags, has) {
				t.Errorf("gadget-run %s has no flag %s", args[0], name)
			}
		}
	}
}

// podArguments finds the lists "args" of a manifest, which may be a template.
func podArguments(t *testing.T, text []byte) [][]string {
	t.Helper()
	var out [][]string
	_, rest, _ := strings.Cut(string(text), "args:\n")
	for rest != "" {
		end := strings.Index(rest, "env:")
		if end < 0 {
			t.Fatal("arguments without an environment after them")
		}
		var args []string
		if err := yaml.Unmarshal([]byte(rest[:end]), &args); err != nil {
			t.Fatal(err)
		}
		out = append(out, args)
		_, rest, _ = strings.Cut(rest, "args:\n")
	}
	return out
}

// TestUnit lets systemd judge the unit.
func TestUnit(t *testing.T) {
	verify, err := exec.LookPath("systemd-analyze")
	if errors.Is(err, exec.ErrNotFound) {
		t.Skip("needs systemd-analyze")
	}
	dir := t.TempDir()
	unit := strings.ReplaceAll(string(read(t, "systemd/gadget-run.service")), "/usr/local/bin/gadget-run", "/bin/true")
	file := filepath.Join(dir, "gadget-run.service")
	if err := os.WriteFile(file, []byte(unit), fs.FileMode(0o644)); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(verify, "verify", "--man=no", "--generators=no", file)
	cmd.Stdout = io.Discard
	out := &strings.Builder{}
	cmd.Stderr = out
	if err := cmd.Run(); err != nil || strings.Contains(out.String(), file) {
		t.Errorf("%v\n%s", err, out)
	}
}
