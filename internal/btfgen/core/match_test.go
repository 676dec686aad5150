package core

import (
	"bytes"
	"encoding/binary"
	"testing"

	cbtf "github.com/cilium/ebpf/btf"

	"github.com/rules-gadget/rules_gadget/internal/btfgen/btf"
)

// load returns the types as Raw, and the ID of each.
func load(t testing.TB, types ...cbtf.Type) (*Raw, []ID) {
	t.Helper()
	b, err := cbtf.NewBuilder(types, nil)
	if err != nil {
		t.Fatal(err)
	}
	data, err := b.Marshal(nil, &cbtf.MarshalOptions{Order: binary.LittleEndian})
	if err != nil {
		t.Fatal(err)
	}
	spec, err := cbtf.LoadSpecFromReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	v, err := btf.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := NewRaw(v, nil)
	if err != nil {
		t.Fatal(err)
	}
	ids := make([]ID, len(types))
	for i := range types {
		if _, ok := types[i].(*cbtf.Void); ok {
			continue
		}
		n, err := b.Add(types[i])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := spec.TypeByID(n); err != nil {
			t.Fatal(err)
		}
		if ids[i], err = raw.Root(uint32(n)); err != nil {
			t.Fatal(err)
		}
	}
	return raw, ids
}

// Short spellings of types. The local and the target side get types of their
// own, so nothing is equal by identity.
func tInt(name string, size uint32, enc cbtf.IntEncoding) cbtf.Type {
	return &cbtf.Int{Name: name, Size: size, Encoding: enc}
}
func tPtr(to cbtf.Type) cbtf.Type           { return &cbtf.Pointer{Target: to} }
func tDef(n string, to cbtf.Type) cbtf.Type { return &cbtf.Typedef{Name: n, Type: to} }
func tArr(n uint32, of cbtf.Type) cbtf.Type {
	return &cbtf.Array{Index: tInt("idx", 4, 0), Type: of, Nelems: n}
}

func tStruct(name string, members ...cbtf.Member) cbtf.Type {
	return &cbtf.Struct{Name: name, Size: 8, Members: members}
}
func tUnion(name string) cbtf.Type { return &cbtf.Union{Name: name, Size: 8} }
func tFwd(name string) cbtf.Type   { return &cbtf.Fwd{Name: name, Kind: cbtf.FwdStruct} }
func tFwdU(name string) cbtf.Type  { return &cbtf.Fwd{Name: name, Kind: cbtf.FwdUnion} }
func tEnum(name string, size uint32, values ...string) cbtf.Type {
	e := &cbtf.Enum{Name: name, Size: size}
	for i, v := range values {
		e.Values = append(e.Values, cbtf.EnumValue{Name: v, Value: uint64(i)})
	}
	return e
}

func tFunc(result cbtf.Type, params ...cbtf.Type) cbtf.Type {
	f := &cbtf.FuncProto{Return: result}
	for _, p := range params {
		f.Params = append(f.Params, cbtf.FuncParam{Type: p})
	}
	return f
}

func m(name string, typ cbtf.Type) cbtf.Member { return cbtf.Member{Name: name, Type: typ} }

var tVoid = (*cbtf.Void)(nil)

// comparison is one row of the tables below: the three rules on two types.
type comparison struct {
	name                  string
	local, target         cbtf.Type
	field, exists, shapes bool
}

var comparisons = []comparison{
	{"equal ints", tInt("int", 4, cbtf.Signed), tInt("int", 4, cbtf.Signed), true, true, true},
	{"ints of other size", tInt("int", 4, 0), tInt("int", 8, 0), true, true, false},
	{"ints of other sign", tInt("int", 4, 0), tInt("int", 4, cbtf.Signed), true, true, false},
	{"ints of other name", tInt("a", 4, 0), tInt("b", 4, 0), true, true, false},
	{"int and pointer", tInt("int", 8, 0), tPtr(tVoid), false, false, false},
	{"int and enum", tInt("e", 4, 0), tEnum("e", 4), false, false, false},
	{"pointers to other kinds", tPtr(tInt("int", 4, 0)), tPtr(tStruct("s")), true, false, false},
	{"pointers to other structs", tPtr(tStruct("a")), tPtr(tStruct("b")), true, true, false},
	{"pointer to void and to int", tPtr(tVoid), tPtr(tInt("int", 4, 0)), true, false, false},
	{"struct and union", tStruct("s"), tUnion("s"), true, false, false},
	{"structs of other name", tStruct("a"), tStruct("b"), true, true, false},
	{"structs, one anonymous", tStruct(""), tStruct("b"), true, true, false},
	{"structs of other flavour", tStruct("s___a"), tStruct("s"), true, true, true},
	{
		"struct without the member", tStruct("s", m("x", tInt("int", 4, 0))), tStruct("s", m("y", tInt("int", 4, 0))), true,
		true, false,
	},
	{
		"struct with more members", tStruct("s", m("x", tInt("int", 4, 0))),
		tStruct("s", m("y", tPtr(tVoid)), m("x", tInt("int", 4, 0))), true, true, true,
	},
	{
		"struct with fewer members", tStruct("s", m("x", tPtr(tVoid)), m("y", tPtr(tVoid))),
		tStruct("s", m("x", tPtr(tVoid))), true, true, false,
	},
	{
		"member of other type", tStruct("s", m("x", tInt("int", 4, 0))), tStruct("s", m("x", tPtr(tVoid))), true, true, false,
	},
	{
		"member of a typedef's type", tStruct("s", m("x", tDef("t", tInt("int", 4, 0)))),
		tStruct("s", m("x", tInt("int", 4, 0))), true, true, true,
	},
	{
		"anonymous member", tStruct("s", m("", tStruct("", m("x", tPtr(tVoid))))),
		tStruct("s", m("", tStruct("", m("x", tPtr(tVoid))))), true, true, true,
	},
	{"of a pointer's target only the name", tPtr(tStruct("s", m("x", tPtr(tVoid)))), tPtr(tStruct("s")), true, true, true},
	{"pointer to forward of struct", tPtr(tFwd("s")), tPtr(tStruct("s")), true, false, true},
	{"pointer to forward in the kernel", tPtr(tStruct("s")), tPtr(tFwd("s")), true, false, true},
	{"pointer to forward of union", tPtr(tFwdU("s")), tPtr(tStruct("s")), true, false, false},
	{"two forwards", tPtr(tFwd("s")), tPtr(tFwd("s")), true, true, true},
	{"forward of struct and of union", tPtr(tFwd("s")), tPtr(tFwdU("s")), true, true, false},
	{"enums of other name", tEnum("a", 4), tEnum("b", 4), false, true, false},
	{"enums, one anonymous", tEnum("", 4), tEnum("b", 4), true, true, false},
	{"enum and enum64", tEnum("e", 4, "A"), tEnum("e", 8, "A"), true, true, false},
	{"enum with more values", tEnum("e", 4, "A"), tEnum("e", 4, "B", "A"), true, true, true},
	{"enum with a flavour of a value", tEnum("e", 4, "A___x"), tEnum("e", 4, "A"), true, true, true},
	{"enum without the value", tEnum("e", 4, "A"), tEnum("e", 4, "B"), true, true, false},
	{"arrays of other length", tArr(2, tInt("int", 4, 0)), tArr(3, tInt("int", 4, 0)), true, true, false},
	{"arrays of other elements", tArr(2, tInt("int", 4, 0)), tArr(2, tPtr(tVoid)), false, false, false},
	{"array and element", tArr(1, tInt("int", 4, 0)), tInt("int", 4, 0), false, false, false},
	{"floats", &cbtf.Float{Name: "double", Size: 8}, &cbtf.Float{Name: "double", Size: 8}, true, false, false},
	{"functions", tPtr(tFunc(tVoid, tPtr(tStruct("s")))), tPtr(tFunc(tVoid, tPtr(tStruct("s")))), true, true, true},
	{"functions with other results", tPtr(tFunc(tVoid)), tPtr(tFunc(tPtr(tVoid))), true, false, false},
	{
		"functions with other parameters", tPtr(tFunc(tVoid, tPtr(tVoid))), tPtr(tFunc(tVoid, tInt("int", 4, 0))), true,
		false, false,
	},
	{"functions with more parameters", tPtr(tFunc(tVoid)), tPtr(tFunc(tVoid, tInt("int", 4, 0))), true, false, false},
	{
		"modifiers and typedefs", tDef("t", &cbtf.Const{Type: tPtr(tVoid)}), &cbtf.Volatile{Type: tDef("u", tPtr(tVoid))},
		true, true, true,
	},
}

func TestComparisons(t *testing.T) {
	for _, tt := range comparisons {
		t.Run(tt.name, func(t *testing.T) {
			local, l := load(t, tt.local)
			target, k := load(t, tt.target)
			work := workLimit
			m := &matcher{local: local, target: target, work: &work}
			p := pair{l[0], k[0]}
			if got := m.fieldCompatible(p); got != tt.field {
				t.Errorf("fieldCompatible = %v, want %v", got, tt.field)
			}
			if got := m.typeCompatible(p, protoLevels); got != tt.exists {
				t.Errorf("typeCompatible = %v, want %v", got, tt.exists)
			}
			if got := m.typeMatches(p, false, matchLevels); got != tt.shapes {
				t.Errorf("typeMatches = %v, want %v", got, tt.shapes)
			}
		})
	}
}

// TestShapeIsEnough checks that for types that match, what is kept matches, too.
func TestShapeIsEnough(t *testing.T) {
	for _, tt := range comparisons {
		if !tt.shapes {
			continue
		}
		t.Run(tt.name, func(t *testing.T) {
			local, l := load(t, tDef("root", tt.local))
			target, k := load(t, tDef("root", tt.target))
			work := workLimit
			mt := &matcher{local: local, target: target, work: &work}
			kept := newKeep()
			kept.add(mt, &Relocation{Kind: TypeMatches, root: l[0]}, found{root: k[0]})
			data, err := btf.Encode(newEmitter(target, kept).run(), false)
			if err != nil {
				t.Fatal(err)
			}
			v, err := btf.Parse(data)
			if err != nil {
				t.Fatal(err)
			}
			small, err := NewRaw(v, []string{"root"})
			if err != nil {
				t.Fatal(err)
			}
			mt.target = small
			if roots := small.Find("root"); len(roots) != 1 || !mt.typeMatches(pair{l[0], roots[0]}, false, matchLevels) {
				t.Errorf("what is kept does not match: %d roots", len(roots))
			}
		})
	}
}
