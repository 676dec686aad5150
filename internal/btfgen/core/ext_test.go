package core

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"
	"testing/quick"

	"github.com/rules-gadget/rules_gadget/internal/btfgen/btf"
)

// ext returns a .BTF.ext section with this body; the header has the given
// length and says where relocations are.
func ext(order binary.AppendByteOrder, header, off, n uint32, body ...uint32) []byte {
	b := order.AppendUint16(nil, extMagic)
	b = append(b, 1, 0)
	for _, w := range []uint32{header, 0, 0, 0, 0, off, n} {
		b = order.AppendUint32(b, w)
	}
	b = b[:min(int(header), len(b))]
	for _, w := range body {
		b = order.AppendUint32(b, w)
	}
	return b
}

func TestParseExt(t *testing.T) {
	le := binary.LittleEndian
	two := []uint32{16, 5, 2, 8, 1, 2, 0, 16, 3, 4, 7, 9, 1, 24, 5, 6, 12}
	tests := []struct {
		name string
		data []byte
		want string // of the error
		n    int
	}{
		{"two sections", ext(le, 32, 0, uint32(4*len(two)), two...), "", 3},
		{"longer records", ext(le, 32, 0, 32, 20, 5, 1, 8, 1, 2, 0, 99), "", 1},
		{"no relocations", ext(le, 32, 0, 0), "", 0},
		{"old header", ext(le, 24, 0, 0), "", 0},
		{"too short", []byte{1, 2}, "shorter than its header", 0},
		{"magic", make([]byte, 40), "magic", 0},
		{"version", append([]byte{0x9f, 0xeb, 9}, make([]byte, 40)...), "version 9", 0},
		{"header outside", ext(le, 4000, 0, 0), "header length", 0},
		{"relocations outside", ext(le, 32, 4, 4000, 16), "out of range", 0},
		{"offset overflows", ext(le, 32, 1<<32-4, 8, 16), "out of range", 0},
		{"short records", ext(le, 32, 0, 4, 8), "records of 8 bytes", 0},
		{"huge records", ext(le, 32, 0, 4, 1<<30), "records of", 0},
		{"cut header", ext(le, 32, 0, 8, 16, 5), "truncated", 0},
		{"more records than bytes", ext(le, 32, 0, 12, 16, 5, 1<<31), "need more", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			info, err := parseExt(tt.data, le)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Fatalf("parseExt = %v, want %q", err, tt.want)
			}
			if len(info.relocations) != tt.n {
				t.Errorf("%d relocations, want %d", len(info.relocations), tt.n)
			}
		})
	}
	want := []record{{5, 8, 1, 2, 0}, {5, 16, 3, 4, 7}, {9, 24, 5, 6, 12}}
	for _, order := range []interface {
		binary.ByteOrder
		binary.AppendByteOrder
	}{binary.LittleEndian, binary.BigEndian} {
		info, err := parseExt(ext(order, 32, 0, uint32(4*len(two)), two...), order)
		if err != nil || !slices.Equal(info.relocations, want) {
			t.Errorf("%s: %v, %v, want %v", order, info.relocations, err, want)
		}
	}
}

// TestNameSet compares the quick search with a plain one.
func TestNameSet(t *testing.T) {
	wanted := []string{"task_struct", "fd", "x", "page", "pag", "files_struct"}
	set := newNameSet(wanted)
	check := func(name string) bool {
		essential := btf.EssentialName(name)
		got, ok := set.match(name)
		return ok == slices.Contains(wanted, essential) && (!ok || got == essential)
	}
	for _, name := range []string{
		"task_struct", "task_struct___x", "task", "fd", "fd___old", "fdt", "f", "", "x", "x___y", "xyz", "page", "pag",
		"pag___z", "paging",
	} {
		if !check(name) {
			t.Errorf("match(%q) differs from a plain comparison", name)
		}
	}
	if err := quick.Check(check, nil); err != nil {
		t.Error(err)
	}
}
