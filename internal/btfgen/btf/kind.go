// Package btf reads and writes the wire form of BTF, the type information of
// Linux kernels and BPF objects (Documentation/bpf/btf.rst in the kernel). A
// View is a table of offsets over the bytes it was given: nothing is decoded
// before it is needed, and no graph of types is built.
package btf

// Kind is the kind of a BTF type.
type Kind uint8

// The kinds, numbered as on the wire.
const (
	Void Kind = iota
	Int
	Ptr
	Array
	Struct
	Union
	Enum
	Fwd
	Typedef
	Volatile
	Const
	Restrict
	Func
	FuncProto
	Var
	Datasec
	Float
	DeclTag
	TypeTag
	Enum64
	kindCount
)

var kindNames = [kindCount]string{
	"void", "int", "ptr", "array", "struct", "union", "enum", "fwd", "typedef", "volatile", "const",
	"restrict", "func", "func_proto", "var", "datasec", "float", "decl_tag", "type_tag", "enum64",
}

// String returns the kind as bpftool spells it, in lower case.
func (k Kind) String() string {
	if k < kindCount {
		return kindNames[k]
	}
	return "unknown"
}

// Composite reports whether k is a struct or a union.
func (k Kind) Composite() bool { return k == Struct || k == Union }

// AnyEnum reports whether k is an enum of either width.
func (k Kind) AnyEnum() bool { return k == Enum || k == Enum64 }

// Modifier reports whether a type of kind k only qualifies another one and
// means nothing to a relocation.
func (k Kind) Modifier() bool {
	return k == Volatile || k == Const || k == Restrict || k == TypeTag
}

// Compatible reports whether a type of kind a can be a relocation's target for
// a local type of kind b: the kinds are equal, or both are enums.
func Compatible(a, b Kind) bool { return a == b || a.AnyEnum() && b.AnyEnum() }

// extra gives, by kind, the bytes that follow the 12 common ones: a fixed
// number and a number for each of vlen elements.
var extra = [kindCount]struct{ fixed, each uint32 }{
	Int:       {fixed: 4},
	Array:     {fixed: 12},
	Struct:    {each: 12},
	Union:     {each: 12},
	Enum:      {each: 8},
	FuncProto: {each: 8},
	Var:       {fixed: 4},
	Datasec:   {each: 12},
	DeclTag:   {fixed: 4},
	Enum64:    {each: 12},
}

// EssentialName returns name without its flavour: the text before the last
// "___" that has something other than an underscore on both sides.
func EssentialName(name string) string {
	for i := len(name) - 5; i >= 0; i-- {
		if name[i] != '_' && name[i+1] == '_' && name[i+2] == '_' && name[i+3] == '_' && name[i+4] != '_' {
			return name[:i+1]
		}
	}
	return name
}
