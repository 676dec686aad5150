package runcmd

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rules-gadget/rules_gadget/internal/gadget"
	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
	"github.com/rules-gadget/rules_gadget/runner/wasm"
)

func TestFieldsThatAWasmProgramAdds(t *testing.T) {
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
