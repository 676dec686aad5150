package image_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/runner/container"
	"github.com/rules-gadget/rules_gadget/runner/container/containertest"
	"github.com/rules-gadget/rules_gadget/runner/gadgettest"
)

func TestMain(m *testing.M) { os.Exit(containertest.Main(m)) }

// patience is how long something may take on a busy machine.
const patience = 60 * time.Second

// opened is the file that is opened in a container.
const opened = "/of-the-container"

// capabilities are those that docs/howto/kubernetes.md and docs/containers.md name
// for loading, attaching and finding containers.
var capabilities = []string{"BPF", "PERFMON", "SYS_PTRACE", "DAC_READ_SEARCH"}

// TestPodman runs the image in podman, with these capabilities alone and a read-only
// root. It shows what happens in another container, by name.
func TestPodman(t *testing.T) {
	gadgettest.NeedsKernel(t)
	if err := containertest.Missing(); err != nil {
		t.Skip(err)
	}
	p := startPodman(t, image(t))
	if got := output(t, p.run(t.Context(), nil, "version")); !strings.Contains(got, "gadget-run") {
		t.Errorf("version prints %q", got)
	}
	pid := p.startWeb(t)
	trace := []string{
		"run", "/gadget", "--verify-image=false", "-o", "json", "--timeout=60s", "-c", "web",
		"-r", container.Podman, "--podman-socketpath=/run/podman.sock",
	}
	out := follow(t, p.run(t.Context(), append(capabilities, "seccomp=unconfined"), trace...))
	checkOpened(t, out.first(t, func() { containertest.Open(t, pid, opened) }))
	// Debian's podman requires CAP_SYS_ADMIN for perf_event_open, and the error names it.
	cmd := p.run(t.Context(), capabilities, trace...)
	if printed, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(printed), "seccomp profile") {
		t.Errorf("with podman's own profile: %v, want an error about it\n%s", err, printed)
	}
}

// checkOpened expects the event of an open in the container.
func checkOpened(t *testing.T, line string) {
	t.Helper()
	var event struct {
		FName   string
		Runtime struct{ ContainerName string }
	}
	if err := json.Unmarshal([]byte(line), &event); err != nil || event.FName != opened ||
		event.Runtime.ContainerName != "web" {
		t.Errorf("got %s, %v, want the open of %s in web", line, err, opened)
	}
}

// podman has the image of gadget-run and a gadget.
type podman struct {
	containertest.Runtime
	containertest.Commander
	image string
}

func startPodman(t *testing.T, b built) podman {
	t.Helper()
	r := containertest.Podman(t)
	root := strings.TrimSuffix(r.Socket(), "/run/podman.sock")
	prepareRoot(t, root)
	if err := os.CopyFS(filepath.Join(root, "image"), os.DirFS(b.layout)); err != nil {
		t.Fatal(err)
	}
	p := podman{Runtime: r, Commander: r.(containertest.Commander)}
	p.image = strings.TrimSpace(output(t, p.Client(t.Context(), "pull", "--quiet", "oci:/image")))
	return p
}

// prepareRoot puts what a node has, and a gadget, below the root of a runtime.
func prepareRoot(t *testing.T, root string) {
	t.Helper()
	// As systemd does on a node.
	if err := unix.Mount("tracefs", filepath.Join(root, "sys/kernel/tracing"), "tracefs", 0, ""); err != nil {
		t.Fatal(err)
	}
	if err := gadgettest.WriteLayout(filepath.Join(root, "gadget"), gadgettest.File(t, "contained.bpf.o"), nil,
		arch.Host()); err != nil {
		t.Fatal(err)
	}
}

// startWeb starts a container that is traced and returns its process.
func (p podman) startWeb(t *testing.T) uint32 {
	t.Helper()
	p.Start(t, containertest.Spec{Name: "web"})
	text := strings.TrimSpace(output(t, p.Client(t.Context(), "inspect", "--format={{.State.Pid}}", "web")))
	pid, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	return uint32(pid)
}

// run is a command that runs gadget-run in a container, as the pods of deploy do.
// Rights are capabilities, or options of --security-opt.
func (p podman) run(ctx context.Context, rights []string, args ...string) *exec.Cmd {
	all := []string{
		"run", "--rm", "--read-only", "--cap-drop=all", "--security-opt=no-new-privileges", "--network=host", "--pid=host",
		"--cgroupns=host",
		"--volume=/sys/kernel/tracing:/sys/kernel/tracing", "--volume=/:/host:ro,rslave", "--volume=/gadget:/gadget:ro",
		"--tmpfs=/var/lib/gadget-run", "--env=HOST_ROOT=/host", "--env=GADGET_RUN_STATE=/var/lib/gadget-run",
	}
	for _, r := range rights {
		flag := "--cap-add="
		if strings.Contains(r, "=") {
			flag = "--security-opt="
		}
		all = append(all, flag+r)
	}
	return p.Client(ctx, append(append(all, p.image), args...)...)
}

func output(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(cmd.Args, " "), err, &stderr)
	}
	return string(out)
}

// following is a command whose output is read while it runs.
type following struct {
	lines chan string
	done  chan struct{}
	notes bytes.Buffer
}

// follow starts a command, which ends with the test at the latest.
func follow(t *testing.T, cmd *exec.Cmd) *following {
	t.Helper()
	f := &following{lines: make(chan string, 1), done: make(chan struct{})}
	cmd.Stderr = &f.notes
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(f.done)
		f.read(stdout)
		_ = cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		<-f.done
	})
	return f
}

// read keeps the first line and drops the others.
func (f *following) read(r io.Reader) {
	for s := bufio.NewScanner(r); s.Scan(); {
		select {
		case f.lines <- s.Text():
		default:
		}
	}
}

// first provokes events until a line comes.
func (f *following) first(t *testing.T, trigger func()) string {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); {
		trigger()
		select {
		case line := <-f.lines:
			return line
		case <-f.done:
			t.Fatalf("it ended without an event:\n%s", &f.notes)
		case <-time.After(100 * time.Millisecond):
		}
	}
	t.Fatal("no event came")
	return ""
}
