package tests

import (
	"errors"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/gadgets/internal/live"
)

// seccompEvent is one event of data source seccomp.
type seccompEvent struct {
	Proc live.Process `json:"proc"`
	filtered
}

// filtered is what a test compares of each event.
type filtered struct {
	Syscall string `json:"syscall"`
	Code    string `json:"code"`
}

// decisions are those of the filter of breakFilter; it allows all other calls.
var decisions = []struct {
	call uintptr
	code uint32
}{
	{unix.SYS_GETSID, unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)},
	{unix.SYS_GETPGID, unix.SECCOMP_RET_LOG},
	{unix.SYS_GETPRIORITY, unix.SECCOMP_RET_ALLOW},
	{unix.SYS_VHANGUP, unix.SECCOMP_RET_KILL_PROCESS},
}

// breakFilter makes the calls that its own filter does not allow, the last of
// which ends the process.
func breakFilter([]string) error {
	runtime.LockOSThread()
	filter := []unix.SockFilter{{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS}} // the number of the call
	for _, d := range decisions {
		filter = append(filter,
			unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: 1, K: uint32(d.call)},
			unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: d.code})
	}
	filter = append(filter, unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW})
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	_, _, errno := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_LOG,
		uintptr(unsafe.Pointer(&program)))
	if errno != 0 {
		return errno
	}
	for _, d := range decisions {
		_, _, _ = unix.RawSyscall(d.call, 0, 0, 0)
	}
	return errors.New("the filter did not end the process")
}

func TestAuditSeccomp(t *testing.T) {
	live.NeedsFunctions(t)
	all := []filtered{
		{"SYS_GETSID", "SECCOMP_RET_ERRNO"},
		{"SYS_GETPGID", "SECCOMP_RET_LOG"},
		{"SYS_VHANGUP", "SECCOMP_RET_KILL_PROCESS"},
	}
	cases := []struct {
		name string
		args []string
		want []filtered
	}{
		{"all", nil, all},
		{"uid", []string{"--uid", strconv.Itoa(os.Getuid())}, all},
		{"with stacks", []string{"--collect-ustack"}, all},
		{"another process", []string{"--pid", "1073741824"}, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var pid int
			var got []filtered
			for _, e := range live.Observe[seccompEvent](t, "audit_seccomp", c.args, func() {
				child := live.Child("break-filter")
				var exit *exec.ExitError
				if out, err := child.CombinedOutput(); !errors.As(err, &exit) ||
					exit.Sys().(syscall.WaitStatus).Signal() != unix.SIGSYS {
					t.Errorf("the child ended with %v, want killed: %s", err, out)
				}
				pid = child.Process.Pid
			}) {
				if e.Proc.PID == pid {
					got = append(got, e.filtered)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("system calls (-want +got):\n%s", diff)
			}
		})
	}
}
