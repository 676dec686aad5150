package gadgetapi

import (
	"errors"
	"strings"
	"testing"

	"github.com/rules-gadget/rules_gadget/internal/feature"
)

func TestKindOf(t *testing.T) {
	for section, want := range map[string]string{
		"tracepoint/syscalls/sys_enter_openat": KindTracepoint, "tp/sched/sched_switch": KindTracepoint,
		"raw_tp/sched_process_exec": KindRawTracepoint, "raw_tp.w/x": KindRawWritable, "tp_btf/x": KindTpBTF,
		"?kprobe/vfs_open": KindKprobe, "kretprobe/x": KindKprobe, "ksyscall/open": KindKsyscall,
		"kprobe.multi/x*": KindKprobeMulti, "uprobe.s/a:b": KindUprobe, "uprobe.multi.s/a:b": KindUprobeMulti,
		"usdt/libc:libc:setjmp": KindUSDT, "fentry.s/x": KindFentry, "fsession/x": "fsession", "fmod_ret/x": KindFmodRet,
		"lsm.s/x":      KindLSM,
		"lsm_cgroup/x": KindLSMCgroup, "iter/task": KindIter, "iter.s/task": KindIter, "perf_event": KindPerfEvent,
		"socket1": KindSocket, "socket": KindSocket, "classifier/ingress/x": KindTC, "tcx/egress": KindTC,
		"xdp": KindXDP, "xdp.frags": KindXDP, "cgroup_skb/egress": KindCgroupSKB, "cgroup/connect4": KindCgroupAddr,
		"sockops": KindSockOps, "sk_skb/stream_verdict": KindSKSKB, "sk_msg": KindSKMsg, "sk_lookup/x": KindSKLookup,
		"classifier": "tc without a direction", "xdp/devmap": "xdp of a map", "cgroup/skb": "cgroup skb without a direction",
		"struct_ops.s/x": "struct_ops", "freplace/f": "freplace", "syscall": "syscall",
	} {
		k, err := KindOf(section)
		if err != nil || k.Name != want {
			t.Errorf("KindOf(%q) = %v, %v, want %q", section, k, err, want)
		}
	}
	_, err := KindOf("tracepont/syscalls/sys_enter_sync")
	if !errors.Is(err, ErrSection) || !strings.Contains(err.Error(), `did you mean "tracepoint"?`) {
		t.Errorf("got %v", err)
	}
	if _, err := KindOf("nosuch/xyz"); !errors.Is(err, ErrSection) {
		t.Errorf("got %v", err)
	}
}

func TestKindsComplete(t *testing.T) {
	hints := map[Need]bool{}
	for _, n := range Needs() {
		hints[n.Need] = n.Hint != ""
	}
	seen := map[string]bool{}
	for _, k := range Kinds() {
		if seen[k.Name] || k.Name == "" || len(k.Sections) == 0 {
			t.Errorf("kind %q: its name is taken, or it has no sections", k.Name)
		}
		seen[k.Name] = true
		if (k.How == "") != (k.Hint != "") {
			t.Errorf("kind %q needs either how it is attached, or what to use instead", k.Name)
		}
		if k.Since() == (feature.Release{}) {
			t.Errorf("kind %q: no release has it", k.Name)
		}
		for _, n := range k.Needs {
			if !hints[n] {
				t.Errorf("kind %q needs %q, which has no hint", k.Name, n)
			}
		}
		for _, s := range k.Sections {
			if got, err := KindOf(strings.TrimSuffix(s, "*")); err != nil || got.Name != k.Name {
				t.Errorf("section %q is of kind %v (%v), want %q", s, got, err, k.Name)
			}
		}
	}
}
