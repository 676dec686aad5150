package core

import (
	"strings"
	"testing"

	cbtf "github.com/cilium/ebpf/btf"
)

// TestAccessStrings parses access strings against a struct with all that a
// path can go through.
func TestAccessStrings(t *testing.T) {
	u32 := tInt("unsigned int", 4, 0)
	inner := tStruct("inner", m("a", u32), m("b", u32))
	root := tStruct("root___v1",
		m("first", u32),
		m("", tStruct("", m("deep", tPtr(tVoid)))),
		m("array", tArr(3, inner)),
		m("flexible", tArr(0, tDef("t", &cbtf.Const{Type: inner}))),
	)
	enum := tEnum("colour", 4, "RED", "GREEN")
	tests := []struct {
		typ    cbtf.Type
		kind   Kind
		access string
		want   string // Access, or "error: " and a part of the error
	}{
		{root, FieldByteOffset, "0", "root___v1"},
		{root, FieldByteOffset, "0:0", "root___v1.first"},
		{root, FieldByteOffset, "2:0", "root___v1[2].first"},
		{root, FieldExists, "0:1:0", "root___v1.deep"},
		{root, FieldExists, "0:1", "root___v1"},
		{root, FieldByteSize, "0:2:1:1", "root___v1.array[1].b"},
		{root, FieldByteSize, "0:3:7:0", "root___v1.flexible[7].a"},
		{root, FieldByteSize, "0:2:3", "error: index 3 is outside an array of 3"},
		{root, FieldByteOffset, "0:9", "error: no member number 9"},
		{root, FieldByteOffset, "0:0:0", "error: a int has no fields"},
		{root, FieldByteOffset, "", "error: is not a number"},
		{root, FieldByteOffset, "0:x", "error: is not a number"},
		{root, FieldByteOffset, "0:-1", "error: is not a number"},
		{root, FieldByteOffset, "0::1", "error: is not a number"},
		{root, FieldByteOffset, strings.Repeat("0:", 64) + "0", "error: more than 64 steps"},
		{root, TypeExists, "0", "root___v1"},
		{root, TypeSize, "1", "error: must be \"0\""},
		{root, TypeIDLocal, "0", "root___v1"},
		{root, EnumvalValue, "0", "error: names no enumerator"},
		{enum, EnumvalValue, "1", "colour.GREEN"},
		{tDef("colour_t", enum), EnumvalExists, "0", "colour_t.RED"},
		{enum, EnumvalValue, "2", "error: names no enumerator"},
		{enum, EnumvalValue, "0:0", "error: names no enumerator"},
		{tStruct(""), TypeExists, "0", "error: anonymous"},
		{root, Kind(99), "0", "error: unknown kind"},
	}
	for _, tt := range tests {
		t.Run(tt.kind.String()+" "+tt.access, func(t *testing.T) {
			local, _ := load(t, tDef("unused", tt.typ), tt.typ)
			r := Relocation{Kind: tt.kind, typeID: rawID(t, local, tt.typ)}
			err := r.parse(local, local.view, tt.access)
			got := r.Access
			if err != nil {
				got = "error: " + err.Error()
			}
			part, isError := strings.CutPrefix(tt.want, "error: ")
			if isError && (err == nil || !strings.Contains(got, part)) || !isError && got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	local, _ := load(t, root)
	for _, id := range []uint32{0, 1000} {
		r := Relocation{Kind: TypeExists, typeID: id}
		if err := r.parse(local, local.view, "0"); err == nil {
			t.Errorf("root type %d is taken", id)
		}
	}
}

// rawID returns the raw id of the type with the name of typ.
func rawID(t *testing.T, local *Raw, typ cbtf.Type) uint32 {
	t.Helper()
	for id := uint32(1); id <= uint32(local.view.Len()); id++ {
		h := local.view.Header(id)
		name, err := local.view.String(h.NameOff)
		if err != nil {
			t.Fatal(err)
		}
		if name == typ.TypeName() && RootKind(h.Kind) {
			return id
		}
	}
	t.Fatalf("no type %q", typ.TypeName())
	return 0
}

// TestFieldValues checks what relocations of one field yield, bitfields
// included. The values are those that libbpf writes into instructions.
func TestFieldValues(t *testing.T) {
	u32, s64 := tInt("unsigned int", 4, 0), tInt("long int", 8, cbtf.Signed)
	root := &cbtf.Struct{Name: "root", Size: 32, Members: []cbtf.Member{
		{Name: "plain", Type: s64, Offset: 64},
		{Name: "bits", Type: u32, Offset: 131, BitfieldSize: 5},
		{Name: "across", Type: u32, Offset: 156, BitfieldSize: 10},
		{Name: "array", Type: tArr(4, tInt("short", 2, cbtf.Signed)), Offset: 192},
	}}
	tests := []struct {
		access string
		want   map[Kind]uint64
	}{
		{"0:0", map[Kind]uint64{
			FieldByteOffset: 8, FieldByteSize: 8, FieldExists: 1, FieldSigned: 1, FieldLShift: 0, FieldRShift: 0,
		}},
		{"1:0", map[Kind]uint64{FieldByteOffset: 40}},
		{"0:1", map[Kind]uint64{
			FieldByteOffset: 16, FieldByteSize: 4, FieldSigned: 0, FieldLShift: 64 - 8, FieldRShift: 64 - 5,
		}},
		{"0:2", map[Kind]uint64{FieldByteOffset: 16, FieldByteSize: 8, FieldLShift: 64 - 38, FieldRShift: 64 - 10}},
		{"0:3", map[Kind]uint64{FieldByteOffset: 24, FieldByteSize: 8, FieldSigned: 0}},
		{"0:3:2", map[Kind]uint64{FieldByteOffset: 28, FieldByteSize: 2}},
	}
	for _, tt := range tests {
		for kind, want := range tt.want {
			local, ids := load(t, root)
			target, roots := load(t, root)
			r := Relocation{Kind: kind, typeID: rawID(t, local, root)}
			if err := r.parse(local, local.view, tt.access); err != nil {
				t.Fatal(err)
			}
			r.root = ids[0]
			work := workLimit
			f, ok := (&matcher{local: local, target: target, work: &work}).field(&r, roots[0])
			if !ok || f.bad || f.value != want {
				t.Errorf("%s of %s = %d (found %v, bad %v), want %d", kind, r.Access, f.value, ok, f.bad, want)
			}
		}
	}
}
