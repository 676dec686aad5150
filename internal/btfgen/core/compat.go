package core

import "github.com/rules-gadget/rules_gadget/internal/btfgen/btf"

// pair is a local type beside a kernel's.
type pair struct{ local, target ID }

// matcher compares the types of one object with those of one kernel.
type matcher struct {
	local, target Types
	work          *int // what may still be spent, see spend
}

// workLimit bounds the members and parameters that are looked at for one
// kernel. Real objects need some ten thousand; types that contain themselves
// would never come to an end.
const workLimit = 1 << 20

// spend takes n from the work that is left, and reports whether there is any.
func (m *matcher) spend(n int) bool {
	*m.work -= n + 1
	return *m.work >= 0
}

// types returns the two types of p without typedefs, and their IDs.
func (m *matcher) types(p pair) (pair, *Type, *Type) {
	var l, t *Type
	p.local, l = underlying(m.local, p.local)
	p.target, t = underlying(m.target, p.target)
	return p, l, t
}

// intOffset returns the obsolete bit offset inside an int.
func intOffset(t *Type) uint32 { return t.IntData >> 16 & 0xff }

// sameName compares essential names.
func sameName(a, b string) bool {
	return a == b || btf.EssentialName(a) == btf.EssentialName(b)
}

// fieldCompatible reports whether a kernel's field matches the local one:
// any struct or union for another, any pointer for another, ints of any size,
// enums and forward declarations of the same name or none, arrays by element.
func (m *matcher) fieldCompatible(p pair) bool {
	for range maxDepth {
		_, l, t := m.types(p)
		if l.Kind.Composite() && t.Kind.Composite() {
			return true
		}
		if !btf.Compatible(l.Kind, t.Kind) {
			return false
		}
		switch l.Kind {
		case btf.Ptr, btf.Float:
			return true
		case btf.Fwd, btf.Enum, btf.Enum64:
			return l.Name == "" || t.Name == "" || sameName(l.Name, t.Name)
		case btf.Int:
			return intOffset(l) == 0 && intOffset(t) == 0
		case btf.Array:
			p = pair{l.Elem, t.Elem}
		default:
			return false
		}
	}
	return false
}

// typeCompatible reports whether a kernel's type counts as the local one for
// type_exists, type_size and type_id_target: the kinds agree, through
// pointers, arrays and function prototypes; names below the root, sizes and
// members do not matter.
func (m *matcher) typeCompatible(p pair, level int) bool {
	for range maxDepth / 2 {
		_, l, t := m.types(p)
		if !btf.Compatible(l.Kind, t.Kind) {
			return false
		}
		switch l.Kind {
		case btf.Void, btf.Struct, btf.Union, btf.Enum, btf.Enum64, btf.Fwd:
			return true
		case btf.Int:
			return intOffset(l) == 0 && intOffset(t) == 0
		case btf.Ptr, btf.Array:
			p = pair{l.Elem, t.Elem}
		case btf.FuncProto:
			if len(l.Params) != len(t.Params) || level == 0 || !m.spend(len(l.Params)) {
				return false
			}
			for i := range l.Params {
				if !m.typeCompatible(pair{l.Params[i], t.Params[i]}, level-1) {
					return false
				}
			}
			p = pair{l.Elem, t.Elem}
		default:
			return false
		}
	}
	return false
}

// protoLevels is how many function prototypes typeCompatible looks through.
const protoLevels = 32
