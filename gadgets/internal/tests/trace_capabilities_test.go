package tests

import (
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/gadgets/internal/live"
)

// capabilityEvent is one event of data source capabilities.
type capabilityEvent struct {
	Proc      live.Process `json:"proc"`
	Effective string       `json:"cap_effective"`
	Stack     string       `json:"kstack"`
	Current   uint64       `json:"current_userns"`
	Target    uint64       `json:"target_userns"`
	capability
}

// capability is what a test compares of each event.
type capability struct {
	Cap     string `json:"cap"`
	Syscall string `json:"syscall"`
	Capable bool   `json:"capable"`
	Audit   int    `json:"audit"`
	InSetID int    `json:"insetid"`
}

// chrootAsUser tries what only root may do, as another user.
func chrootAsUser([]string) error {
	if err := syscall.Setresuid(noUser, noUser, noUser); err != nil {
		return err
	}
	_ = unix.Chroot("/")
	return nil
}

// noUser is a user that owns nothing.
const noUser = 54321

func TestTraceCapabilities(t *testing.T) {
	live.NeedsFunctions(t)
	do := func() {
		_ = unix.Chroot("/")
		_ = unix.Chroot("/")
		_, _, _ = unix.Syscall(unix.SYS_SETHOSTNAME, 0, ^uintptr(0), 0) // EINVAL, once it may
		live.RunChild(t, "chroot-as-user")
	}
	chroot := capability{"CAP_SYS_CHROOT", "SYS_CHROOT", true, 1, 0}
	host := capability{"CAP_SYS_ADMIN", "SYS_SETHOSTNAME", true, 1, 0}
	denied := capability{"CAP_SYS_CHROOT", "SYS_CHROOT", false, 1, 0}
	setuid := capability{"CAP_SETUID", "SYS_SETRESUID", true, 1, 1}
	cases := []struct {
		name    string
		args    []string
		want    []capability
		noStack bool
	}{
		{"all", nil, []capability{chroot, chroot, host, denied}, false},
		{"audit only", []string{"--audit-only"}, []capability{chroot, chroot, host, denied}, false},
		{"without stacks", []string{"--collect-kstack=false"}, []capability{chroot, chroot, host, denied}, true},
		{"another process", []string{"--pid", "1073741824"}, nil, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var got []capability
			setuids := 0
			for _, e := range live.Observe[capabilityEvent](t, "trace_capabilities", c.args, do) {
				if e.Syscall == setuid.Syscall && e.Proc.Child() && e.capability == setuid {
					setuids++
				}
				if !e.Proc.Own() && !e.Proc.Child() || e.Syscall != chroot.Syscall && e.Syscall != host.Syscall {
					continue
				}
				got = append(got, e.capability)
				if root := strings.Contains(e.Effective, "FLAG_CAP_SYS_CHROOT|"); root != e.Capable {
					t.Errorf("in force are %s", e.Effective)
				}
				if e.Current == 0 || e.Current != e.Target {
					t.Errorf("user namespaces %d and %d, want one and the same", e.Current, e.Target)
				}
				if asked := strings.Contains(e.Stack, strings.ToLower(e.Syscall)); asked == c.noStack {
					t.Errorf("stack %q", e.Stack)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("capabilities (-want +got):\n%s", diff)
			}
			if c.want != nil && setuids == 0 {
				t.Errorf("no event %+v", setuid)
			}
		})
	}

	t.Run("unique", func(t *testing.T) {
		got := map[string]int{}
		for _, e := range live.Observe[capabilityEvent](t, "trace_capabilities", []string{"--unique"}, do) {
			if e.Proc.Own() || e.Proc.Child() {
				got[e.Cap]++
			}
		}
		if got["CAP_SYS_CHROOT"] != 1 || got["CAP_SETUID"] != 1 {
			t.Errorf("events by capability: %v, want one of each", got)
		}
	})
}
