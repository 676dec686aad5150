package engine

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/google/go-cmp/cmp"

	"github.com/rules-gadget/rules_gadget/internal/gadget"
	"github.com/rules-gadget/rules_gadget/runner/gadgettest"
)

func testPlan(tb testing.TB, object string, md Metadata) *Plan {
	tb.Helper()
	p, err := PlanFromObject(gadgettest.File(tb, object), md)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

func testMetadata(tb testing.TB, file string) Metadata {
	tb.Helper()
	md, problems := gadget.ParseMetadata(gadgettest.File(tb, file), file, true)
	if len(problems) > 0 {
		tb.Fatal(problems)
	}
	return MetadataOf(md)
}

func TestPlanOfTracer(t *testing.T) {
	p := testPlan(t, "open.bpf.o", testMetadata(t, "open.yaml"))
	if len(p.Tracers) != 1 {
		t.Fatalf("got %d tracers, want 1", len(p.Tracers))
	}
	got := p.Tracers[0]
	if got.Name != "open" || got.Map != "events" || got.LostMap != "events_lost_samples" || got.Event.Name != "event" {
		t.Errorf("got tracer %+v", got)
	}
	var keys []string
	for _, par := range p.Params {
		keys = append(keys, par.Key+" "+string(par.Type)+" "+par.Default)
	}
	if diff := cmp.Diff([]string{"comm string ", "failed bool false", "pid uint "}, keys); diff != "" {
		t.Errorf("params (-want +got):\n%s", diff)
	}
	if p.NeedsBTF() {
		t.Error("an object without relocations is said to need BTF")
	}
}

func TestPlanPrograms(t *testing.T) {
	p := testPlan(t, "attach.bpf.o", Metadata{AttachTo: map[string]string{
		"fentry": "vfs_read", "kprobe": "gadget_program_disabled",
	}})
	type row struct {
		Name, AttachTo string
		Type           ebpf.ProgramType
		Disabled       bool
	}
	var got []row
	for _, pr := range p.Programs {
		got = append(got, row{pr.Name, pr.AttachTo, pr.Type, pr.Disabled})
	}
	want := []row{
		{"fentry", "vfs_read", ebpf.Tracing, false},
		{"fexit", "vfs_open", ebpf.Tracing, false},
		{"kprobe", "gadget_program_disabled", ebpf.Kprobe, true},
		{"kretprobe", "vfs_open", ebpf.Kprobe, false},
		{"raw_tp", "sched_process_exec", ebpf.RawTracepoint, false},
		{"tp_btf", "sched_process_exec", ebpf.Tracing, false},
		{"tracepoint", "syscalls/sys_enter_openat", ebpf.TracePoint, false},
		{"uprobe", "libc:exit", ebpf.Kprobe, false},
		{"uretprobe", "libc:malloc", ebpf.Kprobe, false},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("programs (-want +got):\n%s", diff)
	}
}

func TestPlanOfMapIterator(t *testing.T) {
	p := testPlan(t, "types.bpf.o", Metadata{})
	if len(p.MapIters) != 1 {
		t.Fatalf("got %d map iterators, want 1", len(p.MapIters))
	}
	it := p.MapIters[0]
	if it.Name != "counts" || it.Map != "table" || it.Key.Name != "table_key" || it.Value.Name != "table_value" {
		t.Errorf("got %+v", it)
	}
}

func TestPlanOfArrays(t *testing.T) {
	md := testMetadata(t, "counts.yaml")
	p := testPlan(t, "counts.bpf.o", md)
	if len(p.Iters) != 1 || p.Iters[0].Name != "tasks" || !slices.Equal(p.Iters[0].Programs, []string{"list_tasks"}) {
		t.Errorf("iterators: got %+v", p.Iters)
	}
	sources, err := p.Sources(md, fieldEnv())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range sources {
		for _, f := range s.All() {
			got = append(got, fmt.Sprintf("%s.%s@%d array=%t", s.Name, f.FullName, f.Offset, s.Array))
		}
	}
	want := []string{
		"tasks.pid@0 array=true", "tasks.tid@4 array=true", "counts.pid@0 array=true", "counts.opens@4 array=true",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
	if !p.NeedsBTF() {
		t.Error("an object with relocations is said to need no BTF")
	}
}

func TestSchedule(t *testing.T) {
	for _, tc := range []struct {
		interval, count string
		want            schedule
	}{
		{"", "", schedule{interval: time.Second}},
		{"2s", "3", schedule{interval: 2 * time.Second, count: 3}},
		{"1ns", "", schedule{interval: minimalArrayRefresh}},
		{"0s", "1", schedule{count: 1}},
	} {
		got, err := newSchedule(map[string]string{annotationInterval: tc.interval, annotationCount: tc.count}, time.Second, "")
		if err != nil || got != tc.want {
			t.Errorf("%q %q: got %+v (%v), want %+v", tc.interval, tc.count, got, err, tc.want)
		}
	}
	for _, bad := range []map[string]string{
		{annotationInterval: "soon"}, {annotationInterval: "-1s"}, {annotationCount: "x"}, {annotationCount: "-1"},
	} {
		if _, err := newSchedule(bad, 0, ""); err == nil {
			t.Errorf("%v was accepted", bad)
		}
	}
}

func TestPlanRefuses(t *testing.T) {
	read := func(t *testing.T) *ebpf.CollectionSpec {
		return testPlan(t, "open.bpf.o", Metadata{}).Spec.Copy()
	}
	for _, tc := range []struct {
		name, want string
		change     func(*ebpf.CollectionSpec)
		md         Metadata
	}{
		{"no map", `the tracer map "events" but has no such map`, func(s *ebpf.CollectionSpec) { delete(s.Maps, "events") }, Metadata{}},
		{"wrong map", "want a ring buffer or a perf event array", func(s *ebpf.CollectionSpec) { s.Maps["events"].Type = ebpf.Hash }, Metadata{}},
		{"no programs", "has no programs", func(s *ebpf.CollectionSpec) { clear(s.Programs) }, Metadata{}},
		{"no constant", `parameter "targ_`, func(s *ebpf.CollectionSpec) { clear(s.Variables) }, Metadata{}},
		{"no BTF", "has no BTF", func(s *ebpf.CollectionSpec) { s.Types = nil }, Metadata{}},
		{"all disabled", "every program of the object is disabled", func(*ebpf.CollectionSpec) {}, Metadata{AttachTo: map[string]string{
			"enter_openat": disabledTarget, "exit_openat": disabledTarget, "enter_nothing": disabledTarget,
		}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			spec := read(t)
			tc.change(spec)
			_, err := NewPlan(spec, tc.md)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("got error %v, want one with %q", err, tc.want)
			}
		})
	}
	if _, err := PlanFromObject([]byte("no ELF"), Metadata{}); err == nil {
		t.Error("a file that is not an ELF was accepted")
	}
}

func TestDeclarations(t *testing.T) {
	p := testPlan(t, "types.bpf.o", Metadata{})
	for _, name := range []string{
		"gadget_tracer_a", "gadget_tracer_a___b", "gadget_tracer_a___events___nothing", "gadget_tracer_a___b___c___d",
		"gadget_mapiter_a", "gadget_mapiter_a___nothing", "gadget_mapiter_a___events",
		"gadget_iter_a", "gadget_iter_a___event", "gadget_iter_a___nothing___types", "gadget_iter_a___event___nothing",
		"gadget_iter_a___event___types", "gadget_map_tracer_nothing", "gadget_param_nothing",
	} {
		if err := p.variable(name, Metadata{}); err == nil {
			t.Errorf("declaration %q was accepted", name)
		}
	}
	for _, name := range []string{"other", "gadget_var_x"} {
		if err := p.variable(name, Metadata{}); err != nil {
			t.Errorf("variable %q: %v", name, err)
		}
	}
}

func TestSourcesCarryMetadata(t *testing.T) {
	md := testMetadata(t, "open.yaml")
	p := testPlan(t, "open.bpf.o", md)
	sources, err := p.Sources(md, fieldEnv())
	if err != nil {
		t.Fatal(err)
	}
	var visible []string
	for _, f := range sources[0].All() {
		if !f.Hidden() && f.Append != nil {
			visible = append(visible, f.Alias())
		}
	}
	want := []string{"comm", "pid", "tid", "error", "fd", "mode", "fname"}
	if !slices.Equal(visible, want) {
		t.Errorf("visible fields %q, want %q", visible, want)
	}
}
