// Package collector_test runs the example of docs/img.md: an image of gadget-run
// and a gadget, which img builds and podman runs.
package collector_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rules-gadget/rules_gadget/img/imgtest"
)

// A user who has no ids but his own, and is in no file of this machine.
const plainUser = 4712

// deadline bounds the whole run of the container, on a loaded machine.
const deadline = 2 * time.Minute

func run(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(cmd.Args, " "), err, out)
	}
}

// TestCollector builds and pushes as a plain user, and runs as root.
func TestCollector(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root, to run the container with the right to load eBPF programs")
	}
	imgtest.Program(t, "podman", "podman")
	imgtest.Program(t, "runc", "runc")
	image := imgtest.Registry(t) + "/collector:v1"
	dir := build(t, image)

	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	// The limits of files and processes are those that any machine allows.
	cmd := exec.CommandContext(ctx, "podman", "--root="+filepath.Join(dir, "podman"), "--runroot="+
		filepath.Join(dir, "podman-run"),
		"--cgroup-manager=cgroupfs", "--events-backend=file", "--runtime=runc", "--storage-driver=vfs",
		"run", "--rm", "--tls-verify=false", "--network=none", "--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024",
		"--pid=host", "--cap-drop=all", "--cap-add=BPF,PERFMON,SYS_ADMIN", image)
	var events bytes.Buffer
	cmd.Stdout = &events
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	marker := fmt.Sprintf("collected-%d", os.Getpid())
	lines := bufio.NewReader(stderr)
	for ready := false; !ready; {
		line, err := lines.ReadString('\n')
		t.Log(strings.TrimSpace(line))
		if err != nil {
			t.Fatalf("the container ended before it was ready: %v", cmd.Wait())
		}
		ready = strings.Contains(line, "gadget-run: ready")
	}
	run(t, exec.Command("true", marker))
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	rest, _ := io.ReadAll(lines)
	err = cmd.Wait()
	if !strings.Contains(events.String(), marker) {
		t.Errorf("no event has %q: %v\n%s\n%s", marker, err, rest, events.String())
	}
}

// build makes the image as a plain user and pushes it. It returns a directory for
// other things.
func build(t *testing.T, image string) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "collector-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	in := func(name string) string { return filepath.Join(dir, name) }
	for _, d := range []string{"image", "home"} {
		if err := os.Mkdir(in(d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	static := func(to, from string) {
		cmd := exec.Command("go", "build", "-o", to, ".")
		cmd.Dir, cmd.Env = from, append(os.Environ(), "CGO_ENABLED=0")
		run(t, cmd)
	}
	static(in("image/gadget-run"), "../../runner")
	static(in("img"), "..")
	run(t, exec.Command(in("image/gadget-run"), "--state="+in("gadgets"), "image", "build", "../../gadgets/trace_exec",
		"-o", "type=oci,dest="+in("image/trace_exec.tar")))
	text, err := os.ReadFile("Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(in("image/Dockerfile"), text, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(in("home"), plainUser, plainUser); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"build", "-t", image, in("image")}, {"push", image}} {
		cmd := exec.Command(in("img"), args...)
		cmd.Dir = in("home")
		cmd.Env = []string{"HOME=" + in("home"), "PATH=" + os.Getenv("PATH")}
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: plainUser, Gid: plainUser}}
		run(t, cmd)
	}
	return dir
}
