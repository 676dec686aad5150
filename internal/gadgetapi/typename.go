package gadgetapi

import (
	"fmt"

	"github.com/cilium/ebpf/btf"
)

// TypeName returns the type of the field as C writes it, or the kind of a field
// that is not in the struct.
func (f *Field) TypeName() string {
	if f.Member.Type == nil {
		return f.Kind.String()
	}
	return cName(f.Member.Type, 0)
}

// cName is how C writes a type.
func cName(t btf.Type, depth int) string {
	const deepest = 16 // a type can contain itself
	if depth > deepest {
		return "..."
	}
	switch t := t.(type) {
	case *btf.Array:
		return fmt.Sprintf("%s[%d]", cName(t.Type, depth+1), t.Nelems)
	case *btf.Pointer:
		return "pointer"
	case *btf.Struct:
		return "struct " + t.Name
	case *btf.Union:
		return "union " + t.Name
	case *btf.Enum:
		return "enum " + t.Name
	case *btf.Const:
		return cName(t.Type, depth+1)
	case *btf.Volatile:
		return cName(t.Type, depth+1)
	}
	return t.TypeName()
}
