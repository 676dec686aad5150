package tests

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/gadgets/internal/live"
)

// TestTraceExecShortLived starts processes as fast as it can that end at once, as
// what they are to execute does not exist: the event of each must come, once. There are
// 10,000 of them where the machine starts as many within some seconds: 2 cores that did
// much else started up to 7,493 a second, an emulated machine 17.
func TestTraceExecShortLived(t *testing.T) {
	const (
		least, most = 500, 10_000
		enough      = 5 * time.Second
	)
	processes := 0
	missing := filepath.Join(t.TempDir(), "missing")
	args := []string{"--ignore-failed=false", "--comm", live.Comm(t)}
	events := live.Observe[execEvent](t, "trace_exec", args, func() {
		start := time.Now()
		for ; processes < least || processes < most && time.Since(start) < enough; processes++ {
			_, err := syscall.ForkExec(missing, []string{fmt.Sprint(processes)}, nil)
			if !errors.Is(err, unix.ENOENT) {
				t.Fatalf("process %d: %v", processes, err)
			}
		}
		t.Logf("%d processes, %.0f a second", processes, float64(processes)/time.Since(start).Seconds())
	})
	seen := map[string]bool{}
	for _, e := range execsOfChildren(events) {
		if e.Error != "ENOENT" || e.Proc.Comm != live.Comm(t) || seen[e.Args] {
			t.Fatalf("event %+v, seen before: %t", e, seen[e.Args])
		}
		seen[e.Args] = true
	}
	for i := range processes {
		if !seen[fmt.Sprint(i)] {
			t.Errorf("no event of process %d; %d of %d came", i, len(seen), processes)
			break
		}
	}
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
