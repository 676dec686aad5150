package field

import (
	"encoding/binary"
	"testing"

	"github.com/cilium/ebpf/btf"
)

// kernelEnum is what a kernel that is newer than the gadget has.
func kernelEnum(name string) *btf.Enum {
	return map[string]*btf.Enum{
		"color":    {Name: "color", Values: []btf.EnumValue{{Name: "BLUE", Value: 7}, {Name: "PINK", Value: 9}}},
		"caps_set": {Name: "caps_set", Values: []btf.EnumValue{{Name: "CAP_NEW", Value: 8}, {Name: "CAP_A", Value: 1}}},
		"":         {Values: []btf.EnumValue{{Name: "WRONG", Value: 1}}},
	}[name]
}

// TestEnums names the values of enums of the gadget, of the kernel, and of both.
func TestEnums(t *testing.T) {
	values := func(pairs ...btf.EnumValue) []btf.EnumValue { return pairs }
	red, green, navy := btf.EnumValue{Name: "RED", Value: 1}, btf.EnumValue{Name: "GREEN", Value: 2},
		btf.EnumValue{Name: "NAVY", Value: 7}
	color := &btf.Enum{Name: "color", Size: 4, Values: values(red, green, navy)}
	shade := &btf.Enum{Name: "shade", Size: 4, Values: values(red, btf.EnumValue{Name: "CRIMSON", Value: 1})}
	unnamed := &btf.Enum{Size: 4, Values: values(red)}
	freezing := btf.EnumValue{Name: "FREEZING", Value: ^uint64(4)}
	cold := &btf.Enum{Name: "cold", Size: 4, Signed: true, Values: values(freezing)}
	caps := &btf.Enum{Name: "caps_set", Size: 4, Values: values(
		btf.EnumValue{Name: "CAP_A", Value: 1}, btf.EnumValue{Name: "CAP_B", Value: 2},
	)}
	none := &btf.Enum{Name: "bits_set", Size: 4, Values: values(btf.EnumValue{Name: "NONE"}, red, green)}
	for _, tc := range []struct {
		name   string
		enum   *btf.Enum
		value  uint32
		kernel func(string) *btf.Enum
		want   string
	}{
		{"own value", color, 2, nil, "GREEN"},
		{"unknown value", color, 9, nil, "UNKNOWN"},
		{"the kernel's name of it", color, 7, kernelEnum, "BLUE"},
		{"only the kernel has it", color, 9, kernelEnum, "PINK"},
		{"only the gadget has it", color, 2, kernelEnum, "GREEN"},
		{"the kernel has no such enum", shade, 1, kernelEnum, "RED"},
		{"without a name nothing is the kernel's", unnamed, 1, kernelEnum, "RED"},
		{"first of two names", shade, 1, nil, "RED"},
		{"below zero", cold, 0xfffffffb, nil, "FREEZING"},
		{"flags", caps, 3, nil, "CAP_A|CAP_B"},
		{"no flag", caps, 0, nil, ""},
		{"unknown flags are left out", caps, 9, nil, "CAP_A"},
		{"flags of the kernel", caps, 11, kernelEnum, "CAP_NEW|CAP_A|CAP_B"},
		{"name of no flag", none, 0, nil, "NONE"},
		{"the name of no flag is none", none, 3, nil, "RED|GREEN"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			src := build(t, pack("event", 4, member("value_raw", 0, tc.enum)), Options{Env: Env{Enum: tc.kernel}})
			sample := binary.NativeEndian.AppendUint32(nil, tc.value)
			if got := text(t, src, "value", sample); got != tc.want {
				t.Errorf("%d is shown as %q, want %q", tc.value, got, tc.want)
			}
		})
	}
}

// TestEnumsSideBySide has fields whose texts do not mix, and keeps the numbers.
func TestEnumsSideBySide(t *testing.T) {
	one := &btf.Enum{Name: "one_set", Size: 4, Values: []btf.EnumValue{{Name: "A", Value: 1}, {Name: "B", Value: 2}}}
	src := build(t, pack("event", 8, member("first_raw", 0, one), member("second_raw", 4, one)), Options{
		Fields: map[string]map[string]string{"second_raw": {"ebpf.formatter.bitfield.separator": ", "}},
	})
	sample := []byte{3, 0, 0, 0, 3, 0, 0, 0}
	for name, want := range map[string]string{"first": "A|B", "second": "A, B", "first_raw": "3", "second_raw": "3"} {
		if got := text(t, src, name, sample); got != want {
			t.Errorf("%s is shown as %q, want %q", name, got, want)
		}
	}
	if got := lookup(t, src, "second").Append([]byte("A"), sample); string(got) != "AA, B" {
		t.Errorf("after other text the flags are %q", got)
	}
}
