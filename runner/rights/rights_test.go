package rights

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// childVariable makes the test program drop its privileges and try what is left.
const childVariable = "RIGHTS_TEST_CHILD"

func TestMain(m *testing.M) {
	if mode := os.Getenv(childVariable); mode != "" {
		child(mode)
		return
	}
	os.Exit(m.Run())
}

// child prints what a process can still do.
func child(mode string) {
	var keep Set
	keep.Keep(unix.CAP_BPF)
	if mode == "attaching" {
		keep.KeepAttaching()
	}
	if err := keep.Apply(); err != nil {
		fmt.Println("apply:", err)
	}
	report := func(what string, err error) {
		if errors.Is(err, unix.EPERM) {
			fmt.Println(what, "forbidden")
			return
		}
		fmt.Println(what, "allowed")
	}
	report("exec", exec.Command("/proc/self/exe").Run())
	_, _, errno := syscall.Syscall(unix.SYS_BPF, 5, 0, 0) // BPF_PROG_LOAD
	report("load", errno)
	_, _, errno = syscall.Syscall(unix.SYS_BPF, 4, 0, 0) // BPF_MAP_GET_NEXT_KEY
	report("map", errno)
	report("ptrace", unix.PtraceAttach(1))
	report("setns", unix.Setns(-1, unix.CLONE_NEWNET))
	_, err := os.ReadFile("/proc/self/status")
	report("file", err)
	report("time", sleepInThreads())
	status, _ := os.ReadFile("/proc/thread-self/status")
	for line := range strings.Lines(string(status)) {
		if strings.HasPrefix(line, "CapEff") || strings.HasPrefix(line, "NoNewPrivs") || strings.HasPrefix(line, "Seccomp:") {
			fmt.Print(strings.Join(strings.Fields(line), " "), "\n")
		}
	}
}

// sleepInThreads lets the runtime start threads.
func sleepInThreads() error {
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			ts := unix.NsecToTimespec(int64(5 * time.Millisecond))
			_ = unix.Nanosleep(&ts, nil)
		})
	}
	wg.Wait()
	return nil
}

// TestApply tries in a process of its own what is left after most privileges were dropped.
func TestApply(t *testing.T) {
	for mode, want := range map[string][]string{
		"running": {
			"exec forbidden", "load forbidden", "map allowed", "ptrace forbidden", "setns forbidden", "file allowed",
			"time allowed",
			"NoNewPrivs: 1", "Seccomp: 2",
		},
		"attaching": {"exec forbidden", "load allowed", "setns allowed", "ptrace forbidden", "NoNewPrivs: 1", "Seccomp: 2"},
	} {
		t.Run(mode, func(t *testing.T) {
			cmd := exec.Command("/proc/self/exe")
			cmd.Env = append(os.Environ(), childVariable+"="+mode)
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			for _, line := range want {
				if !strings.Contains(string(out), line+"\n") {
					t.Errorf("no %q in:\n%s", line, out)
				}
			}
			if os.Geteuid() != 0 || strings.Contains(string(out), "apply: giving up capabilities: operation not supported") {
				return // a plain user has none, and a program with C in it cannot reach every thread
			}
			if !strings.Contains(string(out), fmt.Sprintf("CapEff: %016x\n", uint64(1)<<unix.CAP_BPF)) {
				t.Errorf("other capabilities than CAP_BPF are left:\n%s", out)
			}
		})
	}
}

func TestSets(t *testing.T) {
	var a, b Set
	a.Keep(unix.CAP_BPF)
	b.Keep(unix.CAP_SYSLOG)
	b.KeepAttaching()
	a.Join(b)
	if a.capabilities != 1<<unix.CAP_BPF|1<<unix.CAP_SYSLOG || !a.attaching {
		t.Errorf("joined: %+v", a)
	}
	for _, list := range [][]string{calls, attachingCalls} {
		if missing := len(list) - len(available(list)); missing > len(list)/4 {
			t.Errorf("%d of %d system calls are unknown to this architecture", missing, len(list))
		}
	}
}

// TestSysAdminStandsIn keeps CAP_SYS_ADMIN where a process lacks the newer parts of it.
func TestSysAdminStandsIn(t *testing.T) {
	const admin, bpf, perfmon = uint64(1) << unix.CAP_SYS_ADMIN, uint64(1) << unix.CAP_BPF, uint64(1) << unix.CAP_PERFMON
	var reads, opens Set
	reads.Keep(unix.CAP_BPF)
	opens.Keep(unix.CAP_BPF, unix.CAP_PERFMON)
	for name, test := range map[string]struct {
		set       Set
		has, want uint64
	}{
		"every capability":              {reads, ^uint64(0), bpf},
		"as before Linux 5.8":           {reads, admin, admin},
		"both":                          {reads, admin | bpf, bpf},
		"a part of them":                {opens, admin | bpf, admin | bpf},
		"nothing is wanted of the kind": {Set{}, admin, 0},
	} {
		if got := test.set.wanted(test.has) & test.has; got != test.want {
			t.Errorf("%s: keeps %x of %x, want %x", name, got, test.has, test.want)
		}
	}
}
