package engine

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/rules-gadget/rules_gadget/runner/field"
	"github.com/rules-gadget/rules_gadget/runner/gadgettest"
)

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
			p := testPlan(t, "types.bpf.o", Metadata{})
			if err := p.SetParams(map[string]string{tc.key: tc.value}); err != nil {
				t.Fatal(err)
			}
			if got := p.Spec.Variables[tc.key].Value; !bytes.Equal(got, tc.want) {
				t.Errorf("got % x, want % x", got, tc.want)
			}
		})
	}
}

func TestSetParamsRefuses(t *testing.T) {
	for _, tc := range []struct{ key, value, want string }{
		{"flag", "maybe", "is not a bool"},
		{"number", "40000", "out of range"},
		{"number", "x", "is not a number"},
		{"big", "-1", "is not a number"},
		{"factor", "x", "is not a number"},
		{"word", "12345678", "longer than 7 bytes"},
		{"word", "a\x00b", "zero byte"},
		{"host", "nowhere", "not an IP address"},
		{"table_max_entries", "0", "not a size of a map"},
	} {
		t.Run(tc.key+"="+tc.value, func(t *testing.T) {
			err := testPlan(t, "types.bpf.o", Metadata{}).SetParams(map[string]string{tc.key: tc.value})
			if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), "--"+tc.key) {
				t.Errorf("got %v, want one with %q and the flag", err, tc.want)
			}
		})
	}
}

func TestSetParamsDefaults(t *testing.T) {
	md := Metadata{Params: map[string]ParamMetadata{
		"number": {Key: "n", Default: "5"}, "word": {Mandatory: true, PossibleValues: []string{"one", "two"}},
	}}
	p := testPlan(t, "types.bpf.o", md)
	if err := p.SetParams(nil); err == nil || !strings.Contains(err.Error(), "--word must be given") {
		t.Errorf("missing mandatory parameter: got %v", err)
	}
	if err := p.SetParams(map[string]string{"word": "three"}); err == nil || !strings.Contains(err.Error(), "not one of one, two") {
		t.Errorf("impossible value: got %v", err)
	}
	if err := p.SetParams(map[string]string{"word": "two", "table_max_entries": "99"}); err != nil {
		t.Fatal(err)
	}
	if got := p.Spec.Variables["number"].Value; !bytes.Equal(got, []byte{5, 0}) {
		t.Errorf("default of gadget.yaml: got % x", got)
	}
	if got := p.Spec.Variables["factor"].Value; bytes.Equal(got, make([]byte, 8)) {
		t.Error("the object's own default was overwritten")
	}
	if err := sizeMaps(p.Spec); err != nil {
		t.Fatal(err)
	}
	if got := p.Spec.Maps["table"].MaxEntries; got != 99 {
		t.Errorf("table_max_entries: the map has %d entries, want 99", got)
	}
}

func FuzzEncode(f *testing.F) {
	types := []ParamType{ParamBool, ParamInt, ParamUint, ParamFloat, ParamString, ParamIP}
	for i, v := range []string{"true", "-1", "0xff", "1e300", "text", "fe80::1%eth0"} {
		f.Add(uint8(i), uint8(4), v)
	}
	f.Fuzz(func(t *testing.T, typ, size uint8, value string) {
		p := Param{Type: types[int(typ)%len(types)], Size: int(size)}
		out, err := p.Encode(value)
		if err == nil && len(out) != p.Size {
			t.Errorf("%s of %d bytes: got %d", p.Type, p.Size, len(out))
		}
	})
}

func FuzzPlanFromObject(f *testing.F) {
	f.Add([]byte("\x7fELF"))
	f.Add(gadgettest.File(f, "types.bpf.o"))
	f.Add(gadgettest.File(f, "counts.bpf.o"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := PlanFromObject(data, Metadata{})
		if err == nil && len(p.Programs) == 0 {
			t.Error("a plan without programs was accepted")
		}
	})
}

func TestPrivilege(t *testing.T) {
	for _, tc := range []struct {
		caps uint64
		want bool
	}{
		{0, false}, {1 << 21, true}, {1 << 39, false}, {1 << 38, false}, {1<<38 | 1<<39, true}, {^uint64(0), true},
	} {
		if got := mayTrace(tc.caps); got != tc.want {
			t.Errorf("capabilities %#x: got %t, want %t", tc.caps, got, tc.want)
		}
	}
}

func TestVerifierErrorIsOneLine(t *testing.T) {
	ve := &ebpf.VerifierError{Cause: errors.New("permission denied"), Log: []string{
		"0: R1=ctx()", "6: (79) r0 = *(u64 *)(r0 +0)", "R0 invalid mem access 'map_value_or_null'",
		"processed 6 insns (limit 1000000)", "verification time 10 usec", "",
	}}
	err := explainLoad(ve)
	if strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "invalid mem access") {
		t.Errorf("got %q", err)
	}
}
