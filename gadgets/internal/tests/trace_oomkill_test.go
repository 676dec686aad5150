package tests

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/gadgets/internal/live"
)

// oomEvent is one event of data source oomkill.
type oomEvent struct {
	MntNS uint64       `json:"tmntns_id"`
	By    live.Process `json:"fprocess"`
	TPID  int          `json:"tpid"`
	TComm string       `json:"tcomm"`
	Pages int          `json:"pages"`
}

// memoryLimit is what the process that is killed may have, in bytes.
const memoryLimit = 32 << 20

// fillMemory enters a cgroup and writes to ever more memory, until it is killed.
func fillMemory(args []string) error {
	// The victim is named by its first thread, which this need not be.
	if err := errors.Join(live.SetComm("fill memory"), os.WriteFile("/proc/self/comm", []byte("fill memory"),
		0)); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(args[0], "cgroup.procs"), []byte("0"), 0o600); err != nil {
		return err
	}
	const size = 4 * memoryLimit
	memory, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return err
	}
	for i := 0; i < size; i += 4096 {
		memory[i] = 1
	}
	return errors.New("the kernel gave more memory than the limit")
}

// memoryCgroup makes a cgroup with the limit, of the version that has the memory
// controller, and returns its directory.
func memoryCgroup(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	limit, options := "memory.limit_in_bytes", "memory"
	if unix.Mount("cgroup2", root, "cgroup2", 0, "") == nil {
		_ = os.WriteFile(filepath.Join(root, "cgroup.subtree_control"), []byte("+memory"), 0o600)
		if enabled, _ := os.ReadFile(filepath.Join(root, "cgroup.subtree_control")); strings.Contains(string(enabled),
			"memory") {
			limit, options = "memory.max", ""
		} else if err := unix.Unmount(root, 0); err != nil {
			t.Fatal(err)
		}
	}
	if options != "" {
		if err := unix.Mount("cgroup", root, "cgroup", 0, options); err != nil {
			t.Skipf("needs the memory controller of cgroups (CONFIG_MEMCG): %v", err)
		}
	}
	t.Cleanup(func() { _ = unix.Unmount(root, unix.MNT_DETACH) })
	dir := filepath.Join(root, "gadget-test-"+strconv.Itoa(os.Getpid()))
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Remove(dir) })
	if err := os.WriteFile(filepath.Join(dir, limit), []byte(strconv.Itoa(memoryLimit)), 0o600); err != nil {
		t.Fatal(err)
	}
	_ = os.WriteFile(filepath.Join(dir, "memory.swap.max"), []byte("0"), 0o600)
	return dir
}

// runOutOfMemory lets a child be killed in the cgroup, and returns its process id.
func runOutOfMemory(t *testing.T, cgroup string) int {
	t.Helper()
	child := live.Child("fill-memory", cgroup)
	var exit *exec.ExitError
	if err := child.Run(); !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != unix.SIGKILL {
		t.Errorf("the child ended with %v, want killed", err)
	}
	return child.Process.Pid
}

func TestTraceOOMKill(t *testing.T) {
	cgroup := memoryCgroup(t)
	cases := []struct {
		name string
		args []string
		want int
	}{
		{"all", nil, 1},
		{"comm of the victim", []string{"--comm", "fill memory"}, 1},
		{"user", []string{"--uid", strconv.Itoa(os.Getuid()), "--gid", strconv.Itoa(os.Getgid())}, 1},
		{"another user", []string{"--uid", "54321"}, 0},
		{"another process", []string{"--pid", "1"}, 0},
		{"another name", []string{"--comm", live.Comm(t)}, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var pid int
			var got []oomEvent
			for _, e := range live.Observe[oomEvent](t, "trace_oomkill", c.args, func() { pid = runOutOfMemory(t, cgroup) }) {
				if e.TPID == pid {
					got = append(got, e)
				}
			}
			if len(got) != c.want {
				t.Fatalf("%d events, want %d: %+v", len(got), c.want, got)
			}
			for _, e := range got {
				// A thread of Go may have another name than its process.
				if diff := cmp.Diff([]any{pid, pid, "fill memory"}, []any{e.TPID, e.By.PID, e.TComm}); diff != "" {
					t.Errorf("event (-want +got):\n%s", diff)
				}
				if limit := memoryLimit / os.Getpagesize(); e.Pages < limit/2 || e.Pages > 4*limit {
					t.Errorf("%d pages, the limit is %d", e.Pages, limit)
				}
				if e.MntNS == 0 || e.MntNS != e.By.MntNS {
					t.Errorf("mount namespaces %d and %d, want one and the same", e.MntNS, e.By.MntNS)
				}
			}
		})
	}
}
