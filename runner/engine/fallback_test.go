package engine

import (
	"io"
	"os"
	"runtime"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
)

// TestOneTrialOfAKind attaches one program for several of a kind that the kernel looks
// up when it loads them, and still finds out which place is not there.
func TestOneTrialOfAKind(t *testing.T) {
	if _, err := os.Stat("/sys/kernel/btf/vmlinux"); err != nil || os.Geteuid() != 0 {
		t.Skip("needs root and BTF of the kernel's own")
	}
	var kind gadgetapi.Kind
	for _, k := range gadgetapi.Kinds() {
		if k.Name == gadgetapi.KindTpBTF {
			kind = k
		}
	}
	trials := 0
	before := attachers[gadgetapi.KindTpBTF]
	defer func() { attachers[gadgetapi.KindTpBTF] = before }()
	attachers[gadgetapi.KindTpBTF] = func(l *Loaded, pr gadgetapi.Program, prog *ebpf.Program) (io.Closer, error) {
		trials++
		return before(l, pr, prog)
	}
	spec := &ebpf.CollectionSpec{Programs: map[string]*ebpf.ProgramSpec{}}
	plan := &gadgetapi.Spec{}
	for name, place := range map[string]string{
		"exec": "sched_process_exec", "fork": "sched_process_fork", "none": "no_such_tracepoint",
	} {
		spec.Programs[name] = &ebpf.ProgramSpec{
			Type: ebpf.Tracing, AttachType: ebpf.AttachTraceRawTp, AttachTo: place, License: "GPL",
		}
		spec.Programs[name+"__fallback"] = &ebpf.ProgramSpec{Type: ebpf.RawTracepoint}
		plan.Programs = append(plan.Programs, gadgetapi.Program{
			Name: name, Fallback: name + "__fallback", Kind: &kind, AttachTo: place,
		})
	}
	l := &Loaded{plan: plan, note: t.Logf, detail: t.Logf}
	cache := btf.NewCache()
	again := spec.Copy()
	first := allocated(t, func() error { return l.chooseFallbacks(again, cache) })
	trials = 0
	second := allocated(t, func() error { return l.chooseFallbacks(spec, cache) })
	if second > first/4 {
		t.Errorf("the trials took %d bytes of memory, then %d: they read the types of the kernel again", first, second)
	}
	for name, chosen := range map[string]string{"exec": "exec", "fork": "fork", "none": "none__fallback"} {
		if spec.Programs[chosen] == nil || spec.Programs[name] != nil && spec.Programs[name+"__fallback"] != nil {
			t.Errorf("of %s the programs %v are left, want %s", name, spec.Programs, chosen)
		}
	}
	if trials != 1 {
		t.Errorf("%d programs were attached as trials, want 1", trials)
	}
}

// allocated returns how many bytes of memory do takes.
func allocated(t *testing.T, do func() error) uint64 {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if err := do(); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}
