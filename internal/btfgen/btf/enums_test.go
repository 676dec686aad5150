package btf_test

import (
	"bytes"
	"testing"

	"github.com/rules-gadget/rules_gadget/internal/btfgen/btf"
)

// enums are the declarations of enum e in the BTF that enumTypes returns.
func enums(size uint32, signed bool, value uint64) []btf.EnumDecl {
	return []btf.EnumDecl{{Name: "e", Size: size, Signed: signed, Names: []string{"A"}, Values: []uint64{value}}}
}

// enumTypes has enum e { A } of a size between two other types.
func enumTypes(size uint32, value ...uint32) []byte {
	kind, words := info(btf.Enum, 1), []uint32{1, info(btf.Int, 0), 4, 32, 5}
	if len(value) == 2 {
		kind = info(btf.Enum64, 1)
	}
	words = append(words, kind, size, 7)
	words = append(append(words, value...), 0, info(btf.Ptr, 0), 2)
	return build(words, "\x00int\x00e\x00A\x00")
}

func TestRepairEnums(t *testing.T) {
	signed := func(b []byte) []byte { b[24+16+4+3] |= 0x80; return b }
	for _, tc := range []struct {
		name  string
		data  []byte
		enums []btf.EnumDecl
		want  []byte // nil for no change
	}{
		{"values of 64 bits", enumTypes(8, 1), enums(8, false, 1<<40|1), enumTypes(8, 1, 1<<8)},
		{"signed values of 64 bits", enumTypes(8, 1), enums(8, true, 1<<64-2), signed(enumTypes(8, 0xfffffffe, 0xffffffff))},
		{"sign", enumTypes(1, 0xffffffff), enums(1, true, 1<<64-1), signed(enumTypes(1, 0xffffffff))},
		{"right already", enumTypes(1, 200), enums(1, false, 200), nil},
		{"another size", enumTypes(4, 200), enums(8, false, 200), nil},
		{
			"another enumerator", enumTypes(8, 1),
			[]btf.EnumDecl{{Name: "e", Size: 8, Names: []string{"B"}, Values: []uint64{1}}},
			nil,
		},
		{"none", enumTypes(8, 1), nil, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			v, err := btf.Parse(tc.data)
			if err != nil {
				t.Fatal(err)
			}
			got, err := v.RepairEnums(tc.enums)
			if err != nil || !bytes.Equal(got, tc.want) {
				t.Errorf("%v\ngot  %x\nwant %x", err, got, tc.want)
			}
		})
	}
}

func FuzzRepairEnums(f *testing.F) {
	f.Add(enumTypes(8, 1), uint64(1))
	f.Fuzz(func(t *testing.T, data []byte, value uint64) {
		v, err := btf.Parse(data)
		if err != nil {
			return
		}
		repaired, err := v.RepairEnums(enums(8, true, value))
		if err != nil || repaired == nil {
			return
		}
		again, err := btf.Parse(repaired)
		if err != nil || again.Len() != v.Len() {
			t.Errorf("the BTF is damaged: %v", err)
		}
	})
}
