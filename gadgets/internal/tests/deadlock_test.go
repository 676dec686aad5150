package tests

import (
	"os/exec"
	"testing"

	"github.com/rules-gadget/rules_gadget/gadgets/internal/live"
)

// deadlockEvent is one event of data source deadlock.
type deadlockEvent struct {
	PID   int    `json:"pid"`
	Nodes int    `json:"nodes"`
	Comm  string `json:"comm"`
	MntNS uint64 `json:"mntns_id"`
}

// lockMutexes is the beginning of a program with mutexes a to d; nest locks some, one
// after the other, and unlocks them again; recursive may be locked more than once.
const lockMutexes = `
import ctypes
libc = ctypes.CDLL(None)
a, b, c, d = (ctypes.create_string_buffer(64) for _ in range(4))
def nest(*mutexes):
    for m in mutexes:
        libc.pthread_mutex_lock(m)
    for m in reversed(mutexes):
        libc.pthread_mutex_unlock(m)
recursive = ctypes.create_string_buffer(64)
kind = ctypes.create_string_buffer(64)
libc.pthread_mutexattr_init(kind)
libc.pthread_mutexattr_settype(kind, 1)
libc.pthread_mutex_init(recursive, kind)
`

func TestDeadlock(t *testing.T) {
	python := needsPython(t)
	cases := []struct {
		name, program string
		args          []string
		nodes         []int
	}{
		{"one order", "nest(a, b, c); nest(a, c); nest(b, c); nest(c); nest(b, c, d)", nil, nil},
		{"two orders", "nest(a, b); nest(b, a); nest(a, b); nest(b, a)", nil, []int{2}},
		{"three", "nest(a, b); nest(b, c); nest(c, a)", nil, []int{3}},
		{"one after the other", "nest(a); nest(b); nest(a)", nil, nil},
		{"locked twice", "nest(recursive, recursive)", nil, nil},
		{"unlocked once of twice", "libc.pthread_mutex_lock(recursive); nest(recursive); nest(a); " +
			"libc.pthread_mutex_unlock(recursive); nest(a, recursive)", nil, []int{2}},
		{"two circles", "nest(a, b); nest(b, a); nest(c, d); nest(d, c)", nil, []int{2, 2}},
		{"another process", "nest(a, b); nest(b, a)", []string{"--pid", "1"}, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var pid int
			var got []int
			for _, e := range live.Observe[deadlockEvent](t, "deadlock", c.args, func() {
				cmd := exec.Command(python, "-S", "-c", lockMutexes+c.program) //nolint:noctx // short
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Errorf("the program: %v: %s", err, out)
				}
				pid = cmd.Process.Pid
			}) {
				if e.PID != pid {
					continue
				}
				got = append(got, e.Nodes)
				if e.Comm == "" || e.MntNS == 0 {
					t.Errorf("event without process: %+v", e)
				}
			}
			if len(got) != len(c.nodes) {
				t.Fatalf("circles of %v mutexes, want %v", got, c.nodes)
			}
			for i := range got {
				if got[i] != c.nodes[i] {
					t.Errorf("circles of %v mutexes, want %v", got, c.nodes)
				}
			}
		})
	}
}
