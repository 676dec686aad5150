package btf_test

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rules-gadget/rules_gadget/internal/btfgen/btf"
)

// build returns BTF with this type section and these strings.
func build(types []uint32, strs string) []byte {
	b := binary.LittleEndian.AppendUint16(nil, 0xeb9f)
	b = append(b, 1, 0)
	n := uint32(4 * len(types))
	for _, w := range []uint32{24, 0, n, n, uint32(len(strs))} {
		b = binary.LittleEndian.AppendUint32(b, w)
	}
	for _, w := range types {
		b = binary.LittleEndian.AppendUint32(b, w)
	}
	return append(b, strs...)
}

func info(k btf.Kind, vlen uint32) uint32 { return uint32(k)<<24 | vlen }

func TestParse(t *testing.T) {
	good := build([]uint32{1, info(btf.Int, 0), 4, 32}, "\x00int\x00")
	change := func(at int, b byte) []byte {
		out := slices.Clone(good)
		out[at] = b
		return out
	}
	tests := []struct {
		name string
		data []byte
		want string // of the error; empty for none
	}{
		{"overlapping sections", change(16, 4), "type and string sections overlap"},
		{"good", good, ""},
		{"empty", nil, "shorter than its header"},
		{"magic", change(0, 0), "magic"},
		{"version", change(2, 2), "version"},
		{"header too short", change(4, 8), "header length"},
		{"header too long", change(6, 1), "header length"},
		{"types outside", change(13, 1), "type section"},
		{"strings outside", change(21, 1), "string section"},
		{"no strings", build(nil, ""), "string section"},
		{"strings without end", build(nil, "\x00int"), "string section"},
		{"kind 0", build([]uint32{0, 0, 0}, "\x00"), "unknown kind 0"},
		{"kind 31", build([]uint32{0, 31 << 24, 0}, "\x00"), "unknown kind 31"},
		{"cut type", build([]uint32{0, info(btf.Ptr, 0)}, "\x00"), "truncated"},
		{"more members than bytes", build([]uint32{0, info(btf.Struct, 65535), 4, 0, 0, 0}, "\x00"), "truncated"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := btf.Parse(tt.data)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("Parse = %v, want %q", err, tt.want)
			}
		})
	}
}

func TestParseRefusesHuge(t *testing.T) {
	if _, err := btf.Parse(make([]byte, btf.MaxSize+1)); err == nil || !strings.Contains(err.Error(), "limit") {
		t.Errorf("Parse of too much = %v", err)
	}
}

func TestView(t *testing.T) {
	v, err := btf.Parse(build([]uint32{1, info(btf.Int, 0), 4, 32, 5, 1<<31 | info(btf.Struct, 1), 4, 1, 1, 3 << 24},
		"\x00int\x00foo\x00"))
	if err != nil {
		t.Fatal(err)
	}
	h := v.Header(2)
	name, err := v.String(h.NameOff)
	if err != nil || name != "foo" || h.Kind != btf.Struct || !h.Flag || h.Vlen != 1 || v.Word(h, 2) != 3<<24 {
		t.Errorf("Header(2) = %+v, name %q, %v", h, name, err)
	}
	if _, err := v.String(9); err == nil {
		t.Error("a string offset outside the section is taken")
	}
	if !v.Valid(2) || v.Valid(3) || v.Len() != 2 {
		t.Error("wrong number of types")
	}
}

func TestEssentialName(t *testing.T) {
	for name, want := range map[string]string{
		"task_struct": "task_struct", "task_struct___old": "task_struct", "a___b___c": "a___b",
		"___x": "___x", "x___": "x___", "x____y": "x____y", "": "", "a___b": "a",
	} {
		if got := btf.EssentialName(name); got != want {
			t.Errorf("EssentialName(%q) = %q, want %q", name, got, want)
		}
	}
}

// TestEncodeIsCanonical writes the same graph, circles included, in two orders
// and with duplicates.
func TestEncodeIsCanonical(t *testing.T) {
	a := []btf.Type{
		{Kind: btf.Struct, Name: "list_head", Size: 16, Members: []btf.Member{
			{Name: "next", Type: 2}, {Name: "prev", Type: 2, Offset: 64},
		}},
		{Kind: btf.Ptr, Elem: 1},
		{Kind: btf.Int, Name: "int", Size: 4, IntData: 1<<24 | 32},
		{Kind: btf.Struct, Name: "foo", Size: 4, Members: []btf.Member{{Name: "bits", Type: 3, Offset: 3, Bits: 5}}},
	}
	b := []btf.Type{
		{Kind: btf.Ptr, Elem: 4},
		{Kind: btf.Int, Name: "int", Size: 4, IntData: 1<<24 | 32},
		{Kind: btf.Struct, Name: "foo", Size: 4, Members: []btf.Member{{Name: "bits", Type: 6, Offset: 3, Bits: 5}}},
		{Kind: btf.Struct, Name: "list_head", Size: 16, Members: []btf.Member{
			{Name: "next", Type: 1}, {Name: "prev", Type: 5, Offset: 64},
		}},
		{Kind: btf.Ptr, Elem: 4},
		{Kind: btf.Int, Name: "int", Size: 4, IntData: 1<<24 | 32},
	}
	x, err := btf.Encode(a, false)
	if err != nil {
		t.Fatal(err)
	}
	y, err := btf.Encode(b, false)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(x, y); diff != "" {
		t.Errorf("two orders of one graph differ:\n%s", diff)
	}
	a[3].Members[0].Bits = 6
	if z, err := btf.Encode(a, false); err != nil || cmp.Equal(x, z) {
		t.Errorf("another width of a bitfield gives equal bytes, %v", err)
	}
	v, err := btf.Parse(x)
	if err != nil || v.Len() != 4 {
		t.Errorf("Parse of what Encode wrote: %d types, %v", v.Len(), err)
	}
}

// TestEncodeGolden fixes the bytes.
func TestEncodeGolden(t *testing.T) {
	got, err := btf.Encode([]btf.Type{
		{Kind: btf.Struct, Name: "s", Size: 8, Members: []btf.Member{{Name: "m", Type: 2, Offset: 32}}},
		{Kind: btf.Int, Name: "int", Size: 4, IntData: 1<<24 | 32},
	}, false)
	want := build([]uint32{
		1, info(btf.Int, 0), 4, 1<<24 | 32,
		5, info(btf.Struct, 1), 8, 7, 1, 32,
	}, "\x00int\x00s\x00m\x00")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Encode (-want +got):\n%s", diff)
	}
}
