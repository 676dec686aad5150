package gadgetapi

import (
	"slices"

	"github.com/cilium/ebpf/btf"
)

// maxIndirections bounds typedef and qualifier chains, also circular ones.
const maxIndirections = 32

// Resolve strips typedefs and qualifiers from t and returns every name on the
// way, outermost first; for an array also the names of its elements' types.
func Resolve(t btf.Type) (btf.Type, []string) {
	return resolve(t, 0)
}

func resolve(t btf.Type, depth int) (btf.Type, []string) {
	var names []string
	for ; depth < maxIndirections; depth++ {
		if n := t.TypeName(); n != "" {
			names = append(names, n)
		}
		if v, ok := t.(*btf.Array); ok {
			_, inner := resolve(v.Type, depth+1)
			return t, append(names, inner...)
		}
		inner := unwrapped(t)
		if inner == nil {
			return t, names
		}
		t = inner
	}
	return &btf.Void{}, names
}

// unwrapped returns what a typedef, a qualifier or an array is of, nil for any
// other type.
func unwrapped(t btf.Type) btf.Type {
	switch v := t.(type) {
	case *btf.Typedef:
		return v.Type
	case *btf.Const:
		return v.Type
	case *btf.Volatile:
		return v.Type
	case *btf.TypeTag:
		return v.Type
	case *btf.Array:
		return v.Type
	}
	return nil
}

func composite(t btf.Type) ([]btf.Member, bool) {
	switch t := t.(type) {
	case *btf.Struct:
		return t.Members, true
	case *btf.Union:
		return t.Members, true
	}
	return nil, false
}

// maxNumber is the size of the largest number that has text.
const maxNumber = 8

// kindOf returns the kind of a value of the base type t, or why it has no text.
func kindOf(t btf.Type, bitfield bool) (FieldKind, string) {
	switch t := t.(type) {
	case *btf.Int:
		return intKind(t, bitfield)
	case *btf.Float:
		if t.Size != 4 && t.Size != 8 {
			return 0, "it is a floating point number of another size than 4 or 8 bytes"
		}
		return Float, ""
	case *btf.Enum:
		if t.Signed {
			return Int, ""
		}
		return Uint, ""
	case *btf.Array:
		return arrayKind(t)
	case *btf.Pointer:
		return 0, "it is a pointer, send what it points to"
	}
	return 0, "its type has no text"
}

func intKind(t *btf.Int, bitfield bool) (FieldKind, string) {
	if t.Size > maxNumber || !bitfield && !slices.Contains([]uint32{1, 2, 4, 8}, t.Size) {
		return 0, "it is a number of more than 64 bits, use an array of bytes"
	}
	switch t.Encoding {
	case btf.Bool:
		return Bool, ""
	case btf.Signed:
		return Int, ""
	}
	return Uint, ""
}

// arrayKind distinguishes strings (arrays of char) from arrays of numbers.
func arrayKind(t *btf.Array) (FieldKind, string) {
	elem, names := Resolve(t.Type)
	if t.Nelems == 0 {
		return 0, "it is an array without elements"
	}
	if i, ok := elem.(*btf.Int); ok && i.Size == 1 && slices.Contains(names, "char") {
		return String, ""
	}
	switch elem.(type) {
	case *btf.Array:
		return 0, "it is an array of arrays, use one array"
	case *btf.Struct, *btf.Union:
		return 0, "it is an array of structs, send one event for each"
	}
	if _, why := kindOf(elem, false); why != "" {
		return 0, "its elements have no text: " + why
	}
	return Array, ""
}

// IsString reports whether values of the base type are text.
func IsString(t btf.Type) bool {
	array, ok := t.(*btf.Array)
	if !ok {
		return false
	}
	kind, why := arrayKind(array)
	return why == "" && kind == String
}

// isTypedef reports whether name is that of a typedef on the way from t to its
// base type.
func isTypedef(t btf.Type, name string) bool {
	for depth := 0; t != nil && depth < maxIndirections; depth++ {
		if v, ok := t.(*btf.Typedef); ok && v.Name == name {
			return true
		}
		t = unwrapped(t)
	}
	return false
}
