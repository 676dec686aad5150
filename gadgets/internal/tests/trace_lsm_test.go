package tests

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/gadgets/internal/live"
)

// hookEvent is one event of data source lsm.
type hookEvent struct {
	Proc live.Process `json:"proc"`
	Hook string       `json:"tracepoint"`
}

// hooksAsked are those that callHooks brings about, in this order. The functions of
// some have other names than the hooks.
var hooksAsked = []string{
	"task_getpgid", "task_getsid", "inode_mkdir", "inode_rmdir", "inode_symlink",
	"bprm_check_security",
}

// callHooks makes system calls of which each calls one of the hooks.
func callHooks(t *testing.T, dir string) {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	name := filepath.Join(dir, "name")
	for _, call := range []func() error{
		func() error { _, err := unix.Getpgid(os.Getpid()); return err },
		func() error { _, err := unix.Getsid(os.Getpid()); return err },
		func() error { return unix.Mkdir(name, 0o700) },
		func() error { return unix.Rmdir(name) },
		func() error { return unix.Symlink("target", name) },
		func() error { return unix.Unlink(name) },
	} {
		if err := call(); err != nil {
			t.Error(err)
		}
	}
	live.RunChild(t, "end")
}

func TestTraceLSM(t *testing.T) {
	live.NeedsFunctions(t)
	var every []string
	for _, hook := range hooksAsked {
		every = append(every, "--trace-"+hook)
	}
	own := []string{"--pid", strconv.Itoa(os.Getpid())}
	inProcess := hooksAsked[:len(hooksAsked)-1]
	cases := []struct {
		name string
		args []string
		want []string
		only bool // no other hook is seen
	}{
		{"named", every, hooksAsked, true},
		{"one", []string{"--trace-inode_mkdir"}, []string{"inode_mkdir"}, true},
		{"pid", slices.Concat(every, own), inProcess, true},
		{"another process", slices.Concat(every, []string{"--pid", strconv.Itoa(noProcess)}), nil, true},
		{"all", append([]string{"--trace-all"}, own...), inProcess, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			var got []string
			for _, e := range live.Observe[hookEvent](t, "trace_lsm", c.args, func() { callHooks(t, dir) }) {
				if (e.Proc.Own() || e.Proc.Child()) && (c.only || slices.Contains(hooksAsked, e.Hook)) {
					got = append(got, e.Hook)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("hooks (-want +got):\n%s", diff)
			}
		})
	}
}
