package tests

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/gadgets/internal/live"
	"github.com/rules-gadget/rules_gadget/runner/gadgettest/spawner"
)

// The processes that spawn starts: as many as most where the machine does it within
// enough. 2 busy cores started 8,292 a second that executed a program, 19,763
// that failed to, and 24,055 that opened a file, an emulated machine 240 of the first.
const (
	least, most = 500, 10_000
	enough      = 5 * time.Second
)

// spawn starts processes as fast as the machine can, on all of its CPUs, and returns the
// processes that started spawner.Processes of them each.
func spawn(t *testing.T, program string) []int {
	t.Helper()
	var spawners []int
	var mu sync.Mutex
	start := time.Now()
	more := func() bool {
		mu.Lock()
		defer mu.Unlock()
		n := len(spawners) * spawner.Processes
		return n < least || n < most && time.Since(start) < enough
	}
	var wg sync.WaitGroup
	for range runtime.NumCPU() {
		wg.Go(func() {
			for more() {
				cmd := exec.Command(program, "start") //nolint:noctx // ends at once
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Errorf("starting processes: %v: %s", err, out)
					return
				}
				mu.Lock()
				spawners = append(spawners, cmd.Process.Pid)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	n := len(spawners) * spawner.Processes
	t.Logf("%d processes, %.0f a second", n, float64(n)/time.Since(start).Seconds())
	return spawners
}

// eachOnce fails the test unless processes are all that spawners started, each once.
func eachOnce(t *testing.T, spawners []int, processes []live.Process) {
	t.Helper()
	seen := map[int]map[int]bool{}
	for _, pid := range spawners {
		seen[pid] = map[int]bool{}
	}
	for _, p := range processes {
		switch started := seen[p.Parent.PID]; {
		case started == nil:
			t.Fatalf("the parent of %+v did not start processes", p)
		case started[p.PID]:
			t.Fatalf("%+v came twice", p)
		default:
			started[p.PID] = true
		}
	}
	for _, pid := range spawners {
		if n := len(seen[pid]); n != spawner.Processes {
			t.Errorf("%d of %d processes that process %d started came, %d of %d of all", n, spawner.Processes, pid,
				len(processes), len(spawners)*spawner.Processes)
		}
	}
}

// shortLived is the name of processes that spawn starts.
const shortLived = "short-lived"

// TestTraceExecShortLived starts processes that execute a program that ends at once, and
// processes whose program does not exist.
func TestTraceExecShortLived(t *testing.T) {
	for _, c := range []struct {
		name  string
		kind  spawner.Kind
		error string
	}{{"executed", spawner.Executes, ""}, {"failed", spawner.Fails, "ENOENT"}} {
		t.Run(c.name, func(t *testing.T) {
			program := filepath.Join(t.TempDir(), shortLived)
			if err := spawner.Write(program, c.kind); err != nil {
				t.Fatal(err)
			}
			var spawners []int
			var processes []live.Process
			args := []string{"--comm", shortLived, "--ignore-failed=false"}
			for _, e := range live.Observe[execEvent](t, "trace_exec", args, func() { spawners = spawn(t, program) }) {
				if e.Args != program || e.Error != c.error || e.Proc.Comm != shortLived {
					t.Fatalf("got %+v, want %q executed with error %q", e, program, c.error)
				}
				processes = append(processes, e.Proc)
			}
			eachOnce(t, spawners, processes)
		})
	}
}

// TestTraceOpenShortLived starts processes that open a file and end.
func TestTraceOpenShortLived(t *testing.T) {
	program := filepath.Join(t.TempDir(), shortLived)
	if err := spawner.Write(program, spawner.Opens); err != nil {
		t.Fatal(err)
	}
	var spawners []int
	var processes []live.Process
	for _, e := range live.Observe[openEvent](t, "trace_open", []string{"--comm", shortLived}, func() {
		spawners = spawn(t, program)
	}) {
		if e.Fname != program || e.Error != "" {
			t.Fatalf("got %+v, want %q opened", e, program)
		}
		processes = append(processes, e.Proc)
	}
	eachOnce(t, spawners, processes)
}

// TestTraceOpenNamespaces looks at processes in namespaces of their own, which end with
// them.
func TestTraceOpenNamespaces(t *testing.T) {
	const processes = 30
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var own unix.Stat_t
	if err := unix.Stat("/proc/self/ns/mnt", &own); err != nil {
		t.Fatal(err)
	}
	events := live.Observe[openEvent](t, "trace_open", nil, func() {
		for range processes {
			cmd := live.Child("open", file)
			cmd.SysProcAttr = &syscall.SysProcAttr{
				Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWNET | unix.CLONE_NEWPID | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC,
			}
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("a process in new namespaces: %v: %s", err, out)
			}
		}
	})
	seen := map[int]bool{}
	for _, e := range events {
		if e.Fname != file {
			continue
		}
		if !e.Proc.Child() || e.Proc.MntNS == own.Ino || e.Proc.MntNS == 0 || seen[e.Proc.PID] {
			t.Errorf("event %+v, seen before: %t", e, seen[e.Proc.PID])
		}
		seen[e.Proc.PID] = true
	}
	if len(seen) != processes {
		t.Errorf("%d of %d processes were seen", len(seen), processes)
	}
}
