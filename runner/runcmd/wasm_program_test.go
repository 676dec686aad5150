package runcmd

import (
	"encoding/binary"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rules-gadget/rules_gadget/internal/gadget"
	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
	"github.com/rules-gadget/rules_gadget/runner/field"
	"github.com/rules-gadget/rules_gadget/runner/wasm"
)

func TestFieldsAddedByWasm(t *testing.T) {
	record := []byte{0xfe, 0xff, 1, 0, 0, 0xc0, 0x3f, 15, 0, 0, 0, 2, 0, 0, 0, 'h', 'i'}
	for _, tc := range []struct {
		kind         wasm.Kind
		offset, size uint32
		want         string
	}{
		{wasm.Int16, 0, 2, "-2"},
		{wasm.Uint16, 0, 2, "65534"},
		{wasm.Int8, 0, 1, "-2"},
		{wasm.Bool, 2, 1, "true"},
		{wasm.Float32, 3, 4, "1.5"},
		{wasm.String, 7, 8, "hi"},
	} {
		f := addedField(&wasm.Field{Name: "x", Kind: tc.kind, Offset: tc.offset, Size: tc.size}, map[string]string{"a": "b"})
		if diff := cmp.Diff(tc.want, string(f.Append(nil, record))); diff != "" || f.Annotations["a"] != "b" {
			t.Errorf("kind %d: %s, annotations %v", tc.kind, diff, f.Annotations)
		}
	}
}

func TestSwitchesOfAWasmProgram(t *testing.T) {
	s := &session{artifact: &gadget.Artifact{Wasm: []byte{0}}}
	types := map[string]gadgetapi.ParamType{}
	for _, p := range s.wasmParams(&gadget.Metadata{WasmParams: map[string]*gadget.Param{
		"off": {DefaultValue: "false"}, "on": {DefaultValue: "true"}, "none": {}, "number": {DefaultValue: "1"},
	}}) {
		types[p.Key] = p.Type
	}
	want := map[string]gadgetapi.ParamType{
		"off": gadgetapi.ParamBool, "on": gadgetapi.ParamBool, "none": gadgetapi.ParamString, "number": gadgetapi.ParamString,
	}
	if diff := cmp.Diff(want, types); diff != "" {
		t.Errorf("types (-want +got):\n%s", diff)
	}
}

func TestWasmProgramChoosesTargets(t *testing.T) {
	plan := &gadgetapi.Spec{Programs: []gadgetapi.Program{{Name: "enter", AttachTo: "a"}, {Name: "leave", AttachTo: "a"}}}
	w := &wasmRun{session: &session{plan: plan}}
	for key, ok := range map[string]bool{
		"programs.enter.attach_to": true, "programs.none.attach_to": false, "other.key": false,
	} {
		if err := w.SetConfig(key, "b"); (err == nil) != ok {
			t.Errorf("setting %q: %v", key, err)
		}
	}
	if err := w.SetConfig("programs.leave.attach_to", "gadget_program_disabled"); err != nil {
		t.Fatal(err)
	}
	if plan.Programs[0].AttachTo != "b" || plan.Programs[0].Disabled || !plan.Programs[1].Disabled {
		t.Errorf("got programs %+v", plan.Programs)
	}
}

// ownSource has numbers of an eBPF program, one below another field, and a text.
func ownSource() *field.Source {
	number := func([]byte) uint64 { return 1 }
	proc := &field.Field{Name: "proc", FullName: "proc", Kind: field.Struct}
	proc.Children = []*field.Field{{
		Name: "signal_raw", FullName: "proc.signal_raw", Kind: field.Uint, Size: 4, Number: number, Parent: proc,
	}}
	return &field.Source{Name: "open", Fields: []*field.Field{
		{Name: "own_raw", FullName: "own_raw", Kind: field.Uint, Size: 4, Number: number},
		{Name: "shown", FullName: "shown", Kind: field.Uint, Size: 4, Number: number},
		{Name: "text", FullName: "text", Kind: field.String},
		proc,
	}}
}

// TestSpecialTypesOfAWasmProgram gives fields what the special types of the tags mean
// that a wasm program sets: a text, and the container of a namespace.
func TestSpecialTypesOfAWasmProgram(t *testing.T) {
	const mountNS = 4026531841
	box := &field.Container{Name: "box"}
	env := field.Env{Containers: &field.Containers{Finder: func() func(mountNS, netNS uint64) *field.Container {
		return func(mount, _ uint64) *field.Container {
			if mount == mountNS {
				return box
			}
			return nil
		}
	}}}
	w := &wasmRun{session: &session{env: &env, metadata: gadgetapi.Metadata{DataSources: map[string]gadgetapi.DataSource{
		"open": {Fields: map[string]map[string]string{
			"error": {"description": "why"},
			"shown": {"columns.hidden": "false", "formatters.errno.target": "shown_errno"},
		}},
	}}}}
	src := &wasm.Source{Name: "open", Size: 28, Fields: []*wasm.Field{
		{Name: "own_raw", Kind: wasm.Bytes, Size: 4, Tags: []string{"type:gadget_errno"}},
		{Name: "proc.signal_raw", Kind: wasm.Bytes, Size: 4, Tags: []string{"type:gadget_signal"}},
		{Name: "shown", Kind: wasm.Bytes, Size: 4, Tags: []string{"type:gadget_errno"}},
		{Name: "error_raw", Kind: wasm.Int32, Offset: 4, Size: 4, Added: true, Tags: []string{"x", "type:gadget_errno"}},
		{Name: "mntns", Kind: wasm.Uint64, Offset: 8, Size: 8, Added: true, Tags: []string{"type:gadget_mntns_id"}},
		{Name: "plain", Kind: wasm.Uint32, Offset: 16, Size: 4, Added: true, Tags: []string{"type:none"}},
		{Name: "text", Kind: wasm.String, Offset: 20, Size: 8, Added: true, Tags: []string{"type:gadget_comm"}},
	}}
	to := ownSource()
	typed, err := w.typed(src, to)
	if err != nil {
		t.Fatal(err)
	}
	to.Adopt(typed)
	record := binary.NativeEndian.AppendUint64([]byte{1, 0, 0, 0, 2, 0, 0, 0}, mountNS)
	for name, want := range map[string]string{
		"error_raw": "2", "error": "ENOENT", "mntns": "4026531841", "runtime.containerName": "box",
		"own": "EPERM", "proc.signal": "SIGHUP", "shown_errno": "EPERM",
	} {
		f := to.Lookup(name)
		if f == nil {
			t.Errorf("field %q is missing", name)
		} else if got := string(f.Append(nil, record)); got != want {
			t.Errorf("field %q is %q, want %q", name, got, want)
		}
	}
	if got := to.Lookup("error").Annotations["description"]; got != "why" {
		t.Errorf("the text is described as %q", got)
	}
	if !to.NamesContainer() || to.Named("plain") != nil {
		t.Errorf("fields %v, names its container: %v", to.Fields, to.NamesContainer())
	}
	if own, shown := to.Named("own_raw"), to.Named("shown"); !own.Hidden() || shown.Hidden() ||
		!slices.Contains(own.Types, "gadget_errno") || to.Named("proc.signal").Parent != to.Named("proc") {
		t.Errorf("own fields: %+v, %+v", own, shown)
	}
	if text := to.Named("text"); !slices.Contains(text.Types, "gadget_comm") ||
		text.Annotations["columns.maxwidth"] != "16" {
		t.Errorf("the text is of %v with %v", text.Types, text.Annotations)
	}
	if typed, err := w.typed(&wasm.Source{Name: "none"}, &field.Source{}); typed != nil || err != nil {
		t.Errorf("a source without such fields: %v, %v", typed, err)
	}
}
