package tests

import (
	"encoding/json"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/gadgets/internal/live"
)

// seccompProfile is what advise_seccomp writes.
type seccompProfile struct {
	DefaultAction string   `json:"defaultAction"`
	Architectures []string `json:"architectures"`
	Syscalls      []struct {
		Names  []string `json:"names"`
		Action string   `json:"action"`
	} `json:"syscalls"`
}

// archNames are the architectures of a profile.
var archNames = map[string][]string{
	"amd64": {"SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"},
	"arm64": {"SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"},
}

// makeCalls makes, from a thread that is traced alone, three system calls.
func makeCalls() {
	_, _ = unix.Getsid(0)
	_, _ = unix.Getpriority(unix.PRIO_PROCESS, 0)
	_, _ = unix.Getpgid(0)
	_, _, _ = unix.RawSyscall(400, 0, 0, 0) // has no name
}

func TestAdviseSeccomp(t *testing.T) {
	for _, c := range []struct {
		name string
		tid  int
		want []string
	}{
		{"thread", 0, []string{"getpgid", "getpriority", "getsid"}},
		{"another thread", noProcess, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			// The thread of the calls is not that of the test, which does other things.
			ready, begin, done := make(chan int), make(chan struct{}), make(chan struct{})
			go func() {
				runtime.LockOSThread() // ends with the goroutine
				ready <- unix.Gettid()
				<-begin
				makeCalls()
				close(done)
			}()
			tid := <-ready
			if c.tid != 0 {
				tid = c.tid
			}
			text := live.Text(t, "advise_seccomp", []string{"-o", "advise", "--tid", strconv.Itoa(tid)}, func() {
				close(begin)
				<-done
			})
			if c.want == nil {
				if text != "" {
					t.Errorf("advice without a call: %s", text)
				}
				return
			}
			checkProfile(t, text, c.want)
		})
	}

	t.Run("several namespaces", func(t *testing.T) {
		text := live.Text(t, "advise_seccomp", []string{"-o", "advise", "--comm", live.Comm(t)}, makeCalls)
		if !strings.Contains(text, `"getpriority"`) {
			t.Errorf("without a call that was made: %s", text)
		}
	})
}

// checkProfile compares a profile with the system calls that were made. The
// thread also waits, as Go does it.
func checkProfile(t *testing.T, text string, want []string) {
	t.Helper()
	var p seccompProfile
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	if p.DefaultAction != "SCMP_ACT_ERRNO" || !slices.Equal(p.Architectures, archNames[runtime.GOARCH]) ||
		len(p.Syscalls) != 1 || p.Syscalls[0].Action != "SCMP_ACT_ALLOW" {
		t.Fatalf("profile %+v", p)
	}
	names := p.Syscalls[0].Names
	if !slices.IsSorted(names) {
		t.Errorf("names without order: %q", names)
	}
	runtimeCalls := []string{
		"epoll_pwait", "exit", "futex", "getpid", "madvise", "munmap", "nanosleep", "rt_sigprocmask", "rt_sigreturn",
		"sched_yield", "sigaltstack", "tgkill", "write", "read", "eventfd2", "clone", "clone3", "mmap",
	}
	for _, name := range names {
		if !slices.Contains(want, name) && !slices.Contains(runtimeCalls, name) {
			t.Errorf("a call that was not made: %s", name)
		}
	}
	for _, name := range want {
		if !slices.Contains(names, name) {
			t.Errorf("without %s: %q", name, names)
		}
	}
}
