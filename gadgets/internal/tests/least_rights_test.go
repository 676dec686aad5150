package tests

import (
	"bytes"
	"errors"
	"fmt"
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

	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/gadgets/internal/live"
)

// right is one of those that docs/security.md names.
type right struct {
	name   string
	number uintptr
}

var (
	capBPF      = right{"CAP_BPF", unix.CAP_BPF}
	capPerfmon  = right{"CAP_PERFMON", unix.CAP_PERFMON}
	capRead     = right{"CAP_DAC_READ_SEARCH", unix.CAP_DAC_READ_SEARCH}
	capAdmin    = right{"CAP_SYS_ADMIN", unix.CAP_SYS_ADMIN}
	capResource = right{"CAP_SYS_RESOURCE", unix.CAP_SYS_RESOURCE}
	capNetRaw   = right{"CAP_NET_RAW", unix.CAP_NET_RAW}
)

// furtherRights are what gadgets need in addition to CAP_BPF and CAP_PERFMON where
// tracefs is mounted: those with tracepoints, or with the owners of sockets, which
// have some, may look for them there.
func furtherRights() map[string][]right {
	rights := map[string][]right{
		"bpfstats": {capAdmin}, "trace_dns": {capNetRaw, capRead}, "trace_sni": {capNetRaw, capRead},
		"advise_networkpolicy": {capNetRaw},
		"deadlock":             {capAdmin}, "trace_malloc": {capAdmin}, "trace_ssl": {capAdmin}, // probes in libraries
	}
	for _, name := range []string{
		"fdpass", "top_file", "trace_bind", "trace_exec", "trace_fsslower", "trace_init_module", "trace_link", "trace_mount", "trace_oomkill",
		"trace_open", "trace_signal", "trace_tcp", "trace_tcpdrop", "trace_tcpretrans", "traceloop",
	} {
		rights[name] = []right{capRead}
	}
	return rights
}

// compiled are the gadgets with a wasm program.
var compiled = map[string]struct{}{
	"advise_networkpolicy": {}, "advise_seccomp": {}, "deadlock": {}, "trace_dns": {}, "trace_lsm": {}, "traceloop": {},
}

// paranoid returns kernel.perf_event_paranoid. Above 2, as on Debian, the kernel
// keeps perf events to CAP_SYS_ADMIN.
func paranoid() int {
	data, _ := os.ReadFile("/proc/sys/kernel/perf_event_paranoid")
	n, _ := strconv.Atoi(strings.TrimSpace(string(data)))
	return n
}

// TestLeastRights runs each gadget as a user that has exactly the capabilities that
// the documents name, and with one fewer: the error names the one that is missing.
func TestLeastRights(t *testing.T) {
	if n := paranoid(); n > 2 {
		t.Skipf("needs kernel.perf_event_paranoid of at most 2, it is %d: above it the kernel keeps perf events to CAP_SYS_ADMIN", n)
	}
	further := furtherRights()
	for _, name := range live.Gadgets(t) {
		if _, wasm := compiled[name]; wasm && runtime.GOARCH != "amd64" {
			continue // in an emulated machine that takes minutes, for this user once more
		}
		t.Run(name, func(t *testing.T) {
			rights := append([]right{capBPF, capPerfmon}, further[name]...)
			if live.Before(5, 11) { // which counts maps as locked memory
				rights = append(rights, capResource)
			}
			place := newPlace(t, name)
			code, text := place.run(t, rights, unprivileged)
			if code != 0 {
				if asRoot, why := place.run(t, nil, 0); asRoot != 0 {
					t.Logf("as root it ends with %d here, too: %s", asRoot, why)
					return // which other tests judge
				}
			}
			if code != 0 || strings.Contains(text, "not permitted") || strings.Contains(text, "denied") {
				t.Errorf("with %v it ends with %d: %s", rights, code, text)
			}
			place.oneFewer(t, rights)
		})
	}
}

// oneFewer takes one right after the other away.
func (p place) oneFewer(t *testing.T, rights []right) {
	t.Helper()
	for i, missing := range rights {
		code, text := p.run(t, slices.Delete(slices.Clone(rights), i, i+1), unprivileged)
		switch {
		case (missing == capBPF || missing == capPerfmon) && slices.Contains(rights, capAdmin): // which contains both
			if code != 0 {
				t.Errorf("with CAP_SYS_ADMIN, without %s it ends with %d: %s", missing.name, code, text)
			}
		case code != 1 && !(code == 0 && missing == capRead) || !strings.Contains(text, missing.name): // events that say less
			t.Errorf("without %s it ends with %d and does not report it: %s", missing.name, code, text)
		}
	}
}

// unprivileged is the user unprivileged, which owns only what a test gives it.
const unprivileged = 65534

// place is a directory of that user with the runner and a gadget.
type place string

func newPlace(t *testing.T, gadget string) place {
	t.Helper()
	dir, err := os.MkdirTemp("", "rights-") // others reach it, unlike those of t.TempDir
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	for to, from := range map[string]string{"gadget-run": live.Runner(t), "gadget": live.Image(t, gadget)} {
		if err := copyAll(filepath.Join(dir, to), from); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chown(dir, unprivileged, unprivileged); err != nil {
		t.Fatal(err)
	}
	return place(dir)
}

// copyAll copies a file or a directory.
func copyAll(to, from string) error {
	from, err := filepath.EvalSymlinks(from)
	if err != nil {
		return err
	}
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return os.CopyFS(to, os.DirFS(from))
	}
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o755)
}

// run runs the gadget for a moment as a user with these capabilities alone (root:
// with all), where tracefs is mounted. It returns the exit code and the output.
func (p place) run(t *testing.T, rights []right, uid uint32) (int, string) {
	t.Helper()
	dir := string(p)
	cmd := exec.Command(dir+"/gadget-run", "run", dir+"/gadget", "-o", "json", "--timeout", "300ms")
	home := filepath.Join(dir, fmt.Sprint(uid))
	cmd.Env = []string{"HOME=" + home, "GADGET_RUN_STATE=" + home + "/state", "XDG_CACHE_HOME=" + home + "/cache"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	for _, c := range rights {
		cmd.SysProcAttr.AmbientCaps = append(cmd.SysProcAttr.AmbientCaps, c.number)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	cmd.WaitDelay = time.Minute
	if err := runBesideTracefs(cmd); cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), strings.TrimSpace(stderr.String())
}

// runBesideTracefs runs a command in its own mount namespace with tracefs.
func runBesideTracefs(cmd *exec.Cmd) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // for good: the thread ends with its namespace
		err := unix.Unshare(unix.CLONE_FS | unix.CLONE_NEWNS)
		if err == nil {
			err = unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")
		}
		if err == nil {
			err = unix.Mount("tracefs", "/sys/kernel/tracing", "tracefs", 0, "")
		}
		if err == nil || errors.Is(err, unix.EBUSY) { // it is mounted there
			err = cmd.Run()
		}
		done <- err
	}()
	return <-done
}
