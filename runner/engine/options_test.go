package engine

import (
	"testing"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
)

// TestOptions holds which kernel option the hint names for each kind of missing hook.
func TestOptions(t *testing.T) {
	for _, c := range []struct {
		needs             []gadgetapi.Need
		section, to       string
		wantKind, wantTap string
	}{
		{[]gadgetapi.Need{gadgetapi.NeedKprobes}, "kprobe/f", "f", " (CONFIG_KPROBES, CONFIG_KPROBE_EVENTS)", ""},
		{
			[]gadgetapi.Need{gadgetapi.NeedBTF, gadgetapi.NeedTrampoline},
			"fentry/f", "f",
			" (CONFIG_FUNCTION_TRACER)", "",
		},
		{[]gadgetapi.Need{gadgetapi.NeedLSM}, "lsm/f", "f", " (CONFIG_BPF_LSM)", ""},
		{
			[]gadgetapi.Need{gadgetapi.NeedTracefs},
			"tracepoint/syscalls/sys_enter_x", "syscalls/sys_enter_x", "",
			", which needs CONFIG_FTRACE_SYSCALLS or a newer version",
		},
		{nil, "raw_tp/block_rq_x", "block_rq_x", "", ", which needs CONFIG_BLOCK or a newer version"},
		{nil, "raw_tracepoint/x", "x", "", ", which needs a newer version"},
		{nil, "classifier/ingress/x", "", "", ""},
	} {
		pr := gadgetapi.Program{Section: c.section, AttachTo: c.to, Kind: &gadgetapi.Kind{Needs: c.needs}}
		if got := kindOptions(pr); got != c.wantKind {
			t.Errorf("%s: the kind needs %q, want %q", c.section, got, c.wantKind)
		}
		if got := tracepointOption(pr); got != c.wantTap {
			t.Errorf("%s: the hook needs %q, want %q", c.section, got, c.wantTap)
		}
	}
	if got := kindOptions(gadgetapi.Program{}); got != "" {
		t.Errorf("a program of no kind needs %q", got)
	}
}
