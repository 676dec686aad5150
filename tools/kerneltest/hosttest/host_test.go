// Package hosttest runs a gadget on this machine's own kernel with its BTF
// hidden, so that the artifact's btfgen layer is all there is: archive, shard,
// minimal BTF, layer and artifact are made by the tools that the build uses.
package hosttest

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rules-gadget/rules_gadget/internal/gadget"
	"github.com/rules-gadget/rules_gadget/internal/kernel"
	"github.com/rules-gadget/rules_gadget/internal/oci"
	"github.com/rules-gadget/rules_gadget/internal/vm"
)

const (
	timeout   = 90 * time.Second
	directory = "hosttest" // a version for the archive, whatever the host is
)

// file returns the path that an environment variable names, relative to the
// runfiles.
func file(t *testing.T, variable string) string {
	t.Helper()
	name := os.Getenv(variable)
	if name == "" {
		t.Skipf("needs %s, run ./bazelw test //tools/kerneltest/hosttest", variable)
	}
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(os.Getenv("TEST_SRCDIR"), filepath.FromSlash(name))
}

// do runs one tool.
func do(t *testing.T, variable string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), file(t, variable), args...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", variable, strings.Join(args, " "), err, out)
	}
}

// load reads the gadget that Bazel built.
func load(t *testing.T, id kernel.Identity) *gadget.Artifact {
	t.Helper()
	layout, err := oci.OpenLayout(file(t, "IMAGE"))
	if err != nil {
		t.Fatal(err)
	}
	root, err := layout.Root("")
	if err != nil {
		t.Fatal(err)
	}
	a, err := gadget.Load(t.Context(), layout, root, id.Arch)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// artifact makes a layout of the gadget with a btfgen layer for this kernel,
// or without one.
func artifact(t *testing.T, id kernel.Identity, withBTF bool) string {
	t.Helper()
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	object := in("program." + id.Arch.String() + ".bpf.o")
	a := load(t, id)
	for name, data := range map[string][]byte{object: a.Object, in("gadget.yaml"): a.Metadata} {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	shard := strings.Join([]string{id.Distro, directory, id.Arch.BTFHub()}, "/")
	manifest := []string{
		"--directory=" + dir, "--arch=" + id.Arch.String(),
		"--object=" + object, "--out=" + in("manifest"), "--out-config=" + in("config"),
	}
	index := []string{
		"--manifest=" + in("manifest"), "--blob=" + object, "--blob=" + in("config"), "--out=" + in("layout"),
	}
	if withBTF {
		do(t, "BTFARCHIVE", "--host", "--distro="+id.Distro, "--version="+directory, "--out="+in("archive"))
		archive := filepath.Join(in("archive"), filepath.FromSlash(shard), id.Release+".btf.tar.xz")
		do(t, "BTFIMPORT", "--shard="+shard, "--archive="+archive, "--out="+in("shard"), "--report="+in("import.json"))
		do(t, "BTFGEN", "--object="+object, "--shard="+in("shard"), "--out="+in("minbtf"), "--report="+in("report.json"))
		do(t, "BTFLAYER", "--result="+in("minbtf"), "--out="+in("btf.tar.gz"))
		manifest = append(manifest, "--btf="+in("btf.tar.gz"))
		index = append(index, "--blob="+in("btf.tar.gz"))
	}
	do(t, "MANIFEST", manifest...)
	do(t, "INDEX", index...)
	return in("layout")
}

// host skips where a gadget cannot run, and returns this kernel.
func host(t *testing.T) kernel.Identity {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root, to load programs")
	}
	if !kernel.HasBTF(os.DirFS("/")) {
		t.Skip("needs a kernel with BTF, to hide it")
	}
	id, err := kernel.FromHost()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// watch runs the layout with BTF hidden until it has reported the event or
// ended, and returns what it said on stderr.
func watch(t *testing.T, layout string, m *vm.Matcher, workload func(context.Context)) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, file(t, "GUEST"), "hide-btf", file(t, "GADGET_RUN"), "-v", "run", layout, "-o", "json")
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	working := make(chan struct{})
	go func() {
		defer close(working)
		workload(ctx)
	}()
	for s := bufio.NewScanner(stdout); s.Scan() && !m.Done(); {
		m.Line(s.Text())
	}
	cancel()
	_, _ = io.Copy(io.Discard, stdout)
	<-working
	_ = cmd.Wait() // it was interrupted
	return stderr.String()
}

func TestGadgetWithHiddenBTF(t *testing.T) {
	id := host(t)
	const missing = "/no-such-file-of-hosttest"
	m := vm.NewMatcher([]vm.Event{{"fname": missing, "error": "ENOENT"}})
	stderr := watch(t, artifact(t, id, true), m, func(ctx context.Context) {
		for ctx.Err() == nil {
			_, _ = os.Open(missing) // the point of it
			time.Sleep(100 * time.Millisecond)
		}
	})
	if !m.Done() {
		t.Errorf("no event came; the gadget said:\n%s", stderr)
	}
	if want := "/" + id.Release + ".btf"; !strings.Contains(stderr, want) {
		t.Errorf("the gadget does not say that it used %q:\n%s", want, stderr)
	}
}

// Without the layer the same must fail: else the test above proves nothing.
func TestGadgetWithHiddenBTFAndNoLayer(t *testing.T) {
	id := host(t)
	m := vm.NewMatcher([]vm.Event{{"fname": "/"}})
	stderr := watch(t, artifact(t, id, false), m, func(context.Context) {})
	if !strings.Contains(stderr, "no BTF") || !strings.Contains(stderr, id.Release) {
		t.Errorf("the gadget does not say that BTF is missing for %q:\n%s", id.Release, stderr)
	}
	if !kernel.HasBTF(os.DirFS("/")) {
		t.Error("BTF is hidden outside of the gadget's mount namespace, too")
	}
}
