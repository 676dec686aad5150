package engine

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/google/go-cmp/cmp"

	"github.com/rules-gadget/rules_gadget/internal/gadget"
	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
	"github.com/rules-gadget/rules_gadget/runner/field"
	"github.com/rules-gadget/rules_gadget/runner/gadgettest"
)

func testPlan(tb testing.TB, object string, md gadgetapi.Metadata) *gadgetapi.Spec {
	tb.Helper()
	p, err := gadgetapi.Read(gadgettest.File(tb, object), md)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

func testMetadata(tb testing.TB, file string) gadgetapi.Metadata {
	tb.Helper()
	md, problems := gadget.ParseMetadata(gadgettest.File(tb, file), file, true)
	if len(problems) > 0 {
		tb.Fatal(problems)
	}
	return md.API()
}

func TestPlanOfTracer(t *testing.T) {
	p := testPlan(t, "open.bpf.o", testMetadata(t, "open.yaml"))
	if len(p.Tables) != 1 {
		t.Fatalf("got %d data sources, want 1", len(p.Tables))
	}
	got := p.Tables[0]
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
		t.Error("an object without relocations is reported to need BTF")
	}
}

func TestPlanPrograms(t *testing.T) {
	p := testPlan(t, "attach.bpf.o", gadgetapi.Metadata{Programs: map[string]gadgetapi.ProgramOptions{
		"fentry": {AttachTo: "vfs_read"}, "kprobe": {AttachTo: gadgetapi.DisabledTarget},
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
		{"raw_tracepoint", "sched_process_exec", ebpf.RawTracepoint, false},
		{"tp", "syscalls/sys_enter_openat", ebpf.TracePoint, false},
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
	p := testPlan(t, "types.bpf.o", gadgetapi.Metadata{})
	it := p.Table("counts")
	if it == nil || it.Kind != gadgetapi.MapIterator {
		t.Fatalf("got %+v, want a map iterator", it)
	}
	if it.Name != "counts" || it.Map != "table" || it.Key.Name != "table_key" || it.Value.Name != "table_value" {
		t.Errorf("got %+v", it)
	}
}

func TestPlanOfArrays(t *testing.T) {
	md := testMetadata(t, "counts.yaml")
	p := testPlan(t, "counts.bpf.o", md)
	if it := p.Table("tasks"); it == nil || it.Kind != gadgetapi.Iterator ||
		!slices.Equal(it.Programs, []string{"list_tasks"}) {
		t.Errorf("iterators: got %+v", p.Tables)
	}
	sources, err := Sources(p, md, fieldEnv())
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
		t.Error("an object with relocations is reported to need no BTF")
	}
}

func TestPlanRefuses(t *testing.T) {
	read := func(t *testing.T) *ebpf.CollectionSpec {
		return testPlan(t, "open.bpf.o", gadgetapi.Metadata{}).Collection.Copy()
	}
	off := gadgetapi.ProgramOptions{AttachTo: gadgetapi.DisabledTarget}
	for _, tc := range []struct {
		name, want string
		change     func(*ebpf.CollectionSpec)
		md         gadgetapi.Metadata
	}{
		{"no map", `tracer map "events" does not exist`, func(s *ebpf.CollectionSpec) {
			delete(s.Maps, "events")
		}, gadgetapi.Metadata{}},
		{"wrong map", "use GADGET_TRACER_MAP", func(s *ebpf.CollectionSpec) {
			s.Maps["events"].Type = ebpf.Hash
		}, gadgetapi.Metadata{}},
		{"no programs", "has no programs", func(s *ebpf.CollectionSpec) { clear(s.Programs) }, gadgetapi.Metadata{}},
		{"no constant", `GADGET_PARAM(targ_`, func(s *ebpf.CollectionSpec) { clear(s.Variables) }, gadgetapi.Metadata{}},
		{"no BTF", "has no BTF", func(s *ebpf.CollectionSpec) { s.Types = nil }, gadgetapi.Metadata{}},
		{
			"all disabled", "every program of the object is disabled", func(*ebpf.CollectionSpec) {},
			gadgetapi.Metadata{Programs: map[string]gadgetapi.ProgramOptions{
				"enter_openat": off, "exit_openat": off, "enter_nothing": off,
			}},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			spec := read(t)
			tc.change(spec)
			p, err := gadgetapi.New(spec, tc.md)
			if err == nil {
				err = errors.Join(p.Err(), p.Runnable())
			}
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("got error %v, want one with %q", err, tc.want)
			}
		})
	}
	if _, err := gadgetapi.Read([]byte("no ELF"), gadgetapi.Metadata{}); err == nil {
		t.Error("a file that is not an ELF was accepted")
	}
}

func TestSourcesCarryMetadata(t *testing.T) {
	md := testMetadata(t, "open.yaml")
	p := testPlan(t, "open.bpf.o", md)
	sources, err := Sources(p, md, fieldEnv())
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

func fieldEnv() field.Env { return field.Env{} }

func TestSetParams(t *testing.T) {
	for _, tc := range []struct {
		key, value string
		want       []byte
	}{
		{"flag", "true", []byte{1}},
		{"flag", "0", []byte{0}},
		{"number", "-2", []byte{0xfe, 0xff}},
		{"number", "0x7f", []byte{0x7f, 0}},
		{"big", "18446744073709551615", bytes.Repeat([]byte{0xff}, 8)},
		{"factor", "1", []byte{0, 0, 0, 0, 0, 0, 0xf0, 0x3f}},
		{"word", "xy", []byte{'x', 'y', 0, 0, 0, 0, 0, 0}},
		{"word", "", make([]byte, 8)},
		{"host", "10.0.0.1", []byte{10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0}},
		{"host", "::1", []byte{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 6, 0, 0, 0}},
	} {
		t.Run(tc.key+"="+tc.value, func(t *testing.T) {
			p := testPlan(t, "types.bpf.o", gadgetapi.Metadata{})
			if err := p.SetParams(map[string]string{tc.key: tc.value}); err != nil {
				t.Fatal(err)
			}
			if got := p.Collection.Variables[tc.key].Value; !bytes.Equal(got, tc.want) {
				t.Errorf("got % x, want % x", got, tc.want)
			}
		})
	}
}

func TestSetParamsRefuses(t *testing.T) {
	for _, tc := range []struct{ key, value, want string }{
		{"flag", "maybe", "is not true or false"},
		{"number", "40000", "is not a signed integer of 16 bits"},
		{"number", "x", "is not a signed integer"},
		{"big", "-1", "is not an unsigned integer of 64 bits"},
		{"factor", "x", "is not a number"},
		{"word", "12345678", "a text of at most 7 bytes"},
		{"word", "a\x00b", "a text of at most"},
		{"host", "nowhere", "not an IP address"},
		{"table_max_entries", "0", "not a size of a map"},
	} {
		t.Run(tc.key+"="+tc.value, func(t *testing.T) {
			err := testPlan(t, "types.bpf.o", gadgetapi.Metadata{}).SetParams(map[string]string{tc.key: tc.value})
			if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), "--"+tc.key) {
				t.Errorf("got %v, want one with %q and the flag", err, tc.want)
			}
		})
	}
}

func TestSetParamsDefaults(t *testing.T) {
	md := gadgetapi.Metadata{Params: map[string]gadgetapi.ParamMetadata{
		"number": {Key: "n", Default: "5"}, "word": {Mandatory: true, PossibleValues: []string{"one", "two"}},
	}}
	p := testPlan(t, "types.bpf.o", md)
	if err := p.SetParams(nil); err == nil || !strings.Contains(err.Error(), "--word must be given") {
		t.Errorf("missing mandatory parameter: got %v", err)
	}
	if err := p.SetParams(map[string]string{"word": "three"}); err == nil ||
		!strings.Contains(err.Error(), "not one of one, two") {
		t.Errorf("impossible value: got %v", err)
	}
	if err := p.SetParams(map[string]string{"word": "two", "table_max_entries": "99"}); err != nil {
		t.Fatal(err)
	}
	if got := p.Collection.Variables["number"].Value; !bytes.Equal(got, []byte{5, 0}) {
		t.Errorf("default of gadget.yaml: got % x", got)
	}
	if got := p.Collection.Variables["factor"].Value; bytes.Equal(got, make([]byte, 8)) {
		t.Error("the object's own default was overwritten")
	}
	if err := sizeMaps(p.Collection); err != nil {
		t.Fatal(err)
	}
	if got := p.Collection.Maps["table"].MaxEntries; got != 99 {
		t.Errorf("table_max_entries: the map has %d entries, want 99", got)
	}
}

func FuzzEncode(f *testing.F) {
	types := []gadgetapi.ParamType{
		gadgetapi.ParamBool, gadgetapi.ParamInt, gadgetapi.ParamUint, gadgetapi.ParamFloat, gadgetapi.ParamString,
		gadgetapi.ParamIP,
	}
	for i, v := range []string{"true", "-1", "0xff", "1e300", "text", "fe80::1%eth0"} {
		f.Add(uint8(i), uint8(4), v)
	}
	f.Fuzz(func(t *testing.T, typ, size uint8, value string) {
		p := gadgetapi.Param{Type: types[int(typ)%len(types)], Size: int(size)}
		out, err := p.Encode(value)
		if err == nil && len(out) != p.Size {
			t.Errorf("%s of %d bytes: got %d", p.Type, p.Size, len(out))
		}
		if err != nil {
			return
		}
		text := p.Decode(out)
		if again, err := p.Encode(text); err != nil || !bytes.Equal(again, out) {
			t.Errorf("%s of %d bytes: %q is %x, which reads as %q, which is %x (%v)", p.Type, p.Size, value, out, text, again,
				err)
		}
	})
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("\x7fELF"))
	f.Add(gadgettest.File(f, "types.bpf.o"))
	f.Add(gadgettest.File(f, "counts.bpf.o"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := gadgetapi.Read(data, gadgetapi.Metadata{})
		if err == nil && p.Runnable() == nil && len(p.Programs) == 0 {
			t.Error("a plan without programs was accepted")
		}
	})
}

func TestVerifierErrorOneLine(t *testing.T) {
	ve := &ebpf.VerifierError{Cause: errors.New("permission denied"), Log: []string{
		"0: R1=ctx()", "6: (79) r0 = *(u64 *)(r0 +0)", "R0 invalid mem access 'map_value_or_null'",
		"processed 6 insns (limit 1000000)", "verification time 10 usec", "",
	}}
	err := explainLoad(nil, ve)
	if strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "invalid mem access") {
		t.Errorf("got %q", err)
	}
}
