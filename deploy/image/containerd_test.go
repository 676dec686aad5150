package image_test

import (
	"archive/tar"
	"bytes"
	"context"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/rules-gadget/rules_gadget/runner/container"
	"github.com/rules-gadget/rules_gadget/runner/container/containertest"
	"github.com/rules-gadget/rules_gadget/runner/gadgettest"
)

// imported is the name of the image in containerd.
const imported = "registry.example/tools/gadget-run:v1"

// byDefault are the capabilities that containerd gives to every container.
var byDefault = []string{
	"CHOWN", "DAC_OVERRIDE", "FSETID", "FOWNER", "MKNOD", "NET_RAW", "SETGID", "SETUID", "SETFCAP", "SETPCAP",
	"NET_BIND_SERVICE", "SYS_CHROOT", "KILL", "AUDIT_WRITE",
}

// TestContainerd runs the image in containerd, with the capabilities that docs name
// alone and a read-only root. It shows what happens in another container, by name.
func TestContainerd(t *testing.T) {
	gadgettest.NeedsKernel(t)
	if err := containertest.Missing(); err != nil {
		t.Skip(err)
	}
	c := startContainerd(t, image(t))
	if got := output(t, c.run(t.Context(), "printer", nil, "version")); !strings.Contains(got, "gadget-run") {
		t.Errorf("version prints %q", got)
	}
	c.Start(t, containertest.Spec{Name: "web"})
	trace := []string{
		"run", "/gadget", "--verify-image=false", "-o", "json", "--timeout=60s", "-c", "web",
		"-r", container.Containerd, "--containerd-socketpath=/run/containerd.sock",
	}
	out := follow(t, c.run(t.Context(), "tracer", capabilities, trace...))
	pid := c.process(t, "web")
	checkOpened(t, out.first(t, func() { containertest.Open(t, pid, opened) }))
	cmd := c.run(t.Context(), "without", nil, trace...)
	if printed, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(printed), "CAP_BPF") {
		t.Errorf("without capabilities: %v, want an error that names CAP_BPF\n%s", err, printed)
	}
}

// containerd has the image of gadget-run and a gadget.
type containerd struct {
	containertest.Runtime
	containertest.Commander
}

func startContainerd(t *testing.T, b built) containerd {
	t.Helper()
	r := containertest.Containerd(t)
	prepareRoot(t, strings.TrimSuffix(r.Socket(), "/run/containerd.sock"))
	c := containerd{Runtime: r, Commander: r.(containertest.Commander)}
	var archive bytes.Buffer
	tw := tar.NewWriter(&archive)
	if err := tw.AddFS(os.DirFS(b.layout)); err != nil {
		t.Fatal(err)
	}
	if err := tw.Close(); err != nil {
		t.Fatal(err)
	}
	load := c.Client(t.Context(), "images", "import", "--snapshotter=native", "--index-name="+imported, "-")
	load.Stdin = &archive
	output(t, load)
	return c
}

// process returns the process of a container.
func (c containerd) process(t *testing.T, name string) uint32 {
	t.Helper()
	for line := range strings.Lines(output(t, c.Client(t.Context(), "tasks", "list"))) {
		if words := strings.Fields(line); len(words) > 1 && words[0] == name {
			pid, err := strconv.ParseUint(words[1], 10, 32)
			if err != nil {
				t.Fatal(err)
			}
			return uint32(pid)
		}
	}
	t.Fatalf("container %s has no task", name)
	return 0
}

// run is a command that runs gadget-run in a container, as the pods of deploy do.
func (c containerd) run(ctx context.Context, name string, capabilities []string, args ...string) *exec.Cmd {
	all := []string{
		"run", "--rm", "--read-only", "--net-host", "--snapshotter=native",
		"--with-ns=pid:/proc/1/ns/pid", "--with-ns=cgroup:/proc/1/ns/cgroup",
		"--mount=type=bind,src=/sys/kernel/tracing,dst=/sys/kernel/tracing,options=rbind",
		"--mount=type=bind,src=/,dst=/host,options=rbind:ro:rslave",
		"--mount=type=bind,src=/gadget,dst=/gadget,options=bind:ro",
		"--mount=type=tmpfs,src=tmpfs,dst=/var/lib/gadget-run,options=nosuid",
		"--env=HOST_ROOT=/host", "--env=GADGET_RUN_STATE=/var/lib/gadget-run",
	}
	for _, capability := range byDefault {
		all = append(all, "--cap-drop=CAP_"+capability)
	}
	for _, capability := range capabilities {
		all = append(all, "--cap-add=CAP_"+capability)
	}
	// containerd's client does not start what the image specifies when it is given arguments.
	return c.Client(ctx, append(append(all, imported, name, "/usr/bin/gadget-run"), args...)...)
}
