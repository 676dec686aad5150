package deploy_test

import (
	"bytes"
	"errors"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"
	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/runner/gadgettest"
)

const (
	systemd = "/lib/systemd/systemd"
	// service is the unit under test.
	service = "gadget-run.service"
	// openedName is a file that the test opens, and the only one that is shown: journald
	// drops what is too much.
	openedName = "opened-by-the-test"
	// patience is how long something may take on a busy machine.
	patience = 90 * time.Second
)

// boot makes a root directory above that of the machine, with what is in etc and bin
// of the directory $1 too, and becomes systemd there. Everything that it mounts is
// in its own namespace.
const boot = `set -e
cd "$1"
mount --make-rprivate /
mkdir root upper
mount -t tmpfs tmpfs upper
mkdir upper/changed upper/work
mount -t overlay overlay -o lowerdir=/,upperdir=upper/changed,workdir=upper/work root
mount -t proc proc root/proc
mount -t sysfs sysfs root/sys
mount -t cgroup2 cgroup2 root/sys/fs/cgroup
mount -t tracefs tracefs root/sys/kernel/tracing
mount --rbind /dev root/dev
for dir in run tmp var/log var/lib root etc/systemd/system; do
	mkdir -p root/$dir
	mount -t tmpfs tmpfs root/$dir
done
cp -r etc root
cp gadget-run root/usr/local/bin
exec env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot root ` + systemd + ` --unit=multi-user.target --show-status=false
`

// TestService runs the unit in a real systemd, with all that it forbids itself: it
// syncs, attaches, reports that it is ready, shows an event, and ends well.
func TestService(t *testing.T) {
	gadgettest.NeedsKernel(t)
	for _, needed := range []string{systemd, "/usr/bin/nsenter", "/usr/bin/journalctl"} {
		if _, err := os.Stat(needed); err != nil {
			t.Skipf("needs systemd: %v", err)
		}
	}
	dir := t.TempDir()
	writeService(t, dir)
	m := startSystemd(t, dir)
	if state := m.await(t, "active", "failed"); state != "active" {
		t.Fatalf("the service is %s:\n%s", state, m.journal(t))
	}
	opened := filepath.Join(dir, openedName)
	for end := time.Now().Add(patience); !strings.Contains(m.journal(t), opened); time.Sleep(200 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the journal has no event of %s:\n%s", opened, m.journal(t))
		}
		_, _ = os.ReadFile(opened)
	}
	m.run(t, "systemctl", "stop", service)
	if state, code := m.show(t, "ActiveState"), m.show(t, "ExecMainStatus"); state != "inactive" || code != "0" {
		t.Errorf("stopped, the service is %s with exit code %s:\n%s", state, code, m.journal(t))
	}
}

// writeService writes the unit, what it reads, and the program, and pushes the gadget
// to a registry of this machine.
func writeService(t *testing.T, dir string) {
	t.Helper()
	runner := filepath.Join(dir, "gadget-run")
	goCommand, err := exec.LookPath("go")
	if err != nil {
		t.Skip("needs the go command to build gadget-run")
	}
	build := exec.Command(goCommand, "build", "-o", runner, "../runner")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	call(t, build)
	layout := filepath.Join(t.TempDir(), "layout")
	if err := gadgettest.WriteLayout(layout, gadgettest.File(t, "open.bpf.o"), gadgettest.File(t, "open.yaml"),
		arch.Host()); err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(srv.Close)
	image := strings.TrimPrefix(srv.URL, "http://") + "/gadgets/open:v1"
	call(t, exec.Command(runner, "image", "copy", "oci:"+layout, image))
	etc := filepath.Join(dir, "etc", "gadget-run")
	unit := strings.ReplaceAll(string(read(t, "systemd", service)), "--jitter 1m", "--jitter 0s")
	for name, text := range map[string]string{
		filepath.Join(etc, "gadgets.yaml"): "version: 1\ngadgets:\n  - " + image + "\n",
		filepath.Join(etc, "instances.yaml"): "apiVersion: 1\nkind: instance-spec\nimage: " + image + "\nname: open\n" +
			"paramValues:\n  operator.filter.filter: fname==" + filepath.Join(dir, openedName) + "\n",
		filepath.Join(dir, "etc/systemd/system", service): unit,
		filepath.Join(dir, "etc/machine-id"):              strings.Repeat("5", 32) + "\n",
		filepath.Join(dir, "etc/systemd/system/multi-user.target"): "[Unit]\nDescription=Test\n" +
			"Wants=systemd-journald.service " + service + "\n",
	} {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	lock := exec.Command(runner, "lock", "gadgets.yaml")
	lock.Dir = etc
	call(t, lock)
}

func call(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(cmd.Args, " "), err, out)
	}
}

// machine is a systemd with its services.
type machine struct{ pid string }

// startSystemd boots in its own namespaces and control group. The test's end
// kills it, and with it everything that it started.
func startSystemd(t *testing.T, dir string) machine {
	t.Helper()
	group := newGroup(t)
	runtime.LockOSThread() // Pdeathsig is about the thread
	t.Cleanup(runtime.UnlockOSThread)
	cmd := exec.Command("/bin/sh", "-c", boot, "sh", dir)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC | unix.CLONE_NEWCGROUP,
		UseCgroupFD: true, CgroupFD: int(group.Fd()), Setsid: true, Pdeathsig: syscall.SIGKILL,
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("output of systemd:\n%s", &out)
		}
	})
	return machine{pid: strconv.Itoa(cmd.Process.Pid)}
}

// newGroup makes a control group of version 2, which the test's end removes.
func newGroup(t *testing.T) *os.File {
	t.Helper()
	for _, root := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"} {
		if _, err := os.Stat(filepath.Join(root, "cgroup.procs")); err != nil {
			continue
		}
		dir, err := os.MkdirTemp(root, "deploy-test-")
		if err != nil {
			t.Skipf("needs its own control group: %v", err)
		}
		f, err := os.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			f.Close()
			removeGroup(t, dir)
		})
		return f
	}
	t.Skip("needs control groups of version 2")
	return nil
}

// removeGroup removes a control group and those below it, once they are empty.
func removeGroup(t *testing.T, dir string) {
	for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		var groups []string
		_ = filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
			if err == nil && entry.IsDir() {
				groups = append(groups, path)
			}
			return nil
		})
		var err error
		for i := len(groups) - 1; i >= 0; i-- {
			err = os.Remove(groups[i])
		}
		if err == nil || errors.Is(err, os.ErrNotExist) {
			return
		}
		if time.Now().After(end) {
			t.Errorf("%v", err)
			return
		}
	}
}

// command runs in the machine.
func (m machine) command(args ...string) *exec.Cmd {
	enter := []string{"--target=" + m.pid, "--mount", "--pid", "--uts", "--ipc", "--cgroup", "--root", "--wd", "--"}
	return exec.Command("/usr/bin/nsenter", append(enter, args...)...)
}

func (m machine) run(t *testing.T, args ...string) string {
	t.Helper()
	out, err := m.command(args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// show returns a property of the service, "" until systemd answers.
func (m machine) show(t *testing.T, property string) string {
	t.Helper()
	out, err := m.command("systemctl", "show", "--value", "--property="+property, service).Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}

// await waits until the service is in one of the states.
func (m machine) await(t *testing.T, states ...string) string {
	t.Helper()
	state := ""
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		state = m.show(t, "ActiveState")
		if slices.Contains(states, state) {
			return state
		}
	}
	t.Fatalf("the service is still %q after %s:\n%s", state, patience, m.journal(t))
	return ""
}

func (m machine) journal(t *testing.T) string {
	t.Helper()
	out, _ := m.command("journalctl", "--no-pager", "--output=cat", "--unit="+service).CombinedOutput()
	return string(out)
}
