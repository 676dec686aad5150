package core

import (
	"slices"

	"github.com/rules-gadget/rules_gadget/internal/btfgen/btf"
)

// emitter turns what is kept into types to write. A pointer that is not
// followed points to void; typedefs are kept only where a relocation names them.
type emitter struct {
	kernel Types
	keep   *keep
	out    []btf.Type         // by number - 1
	named  map[ID]btf.TypeRef // structs, unions and enums
}

// emitLimit bounds what types that contain themselves can blow up to.
const emitLimit = 1 << 20

func newEmitter(kernel Types, k *keep) *emitter {
	return &emitter{kernel: kernel, keep: k, named: map[ID]btf.TypeRef{}}
}

// run returns all kept types.
func (e *emitter) run() []btf.Type {
	for _, id := range e.keep.order {
		t := e.kernel.Type(id)
		ref := e.emit(id, e.keep.roots[id], 0)
		if t.Kind == btf.Typedef {
			e.add(btf.Type{Kind: btf.Typedef, Name: t.Name, Elem: ref})
		}
	}
	return e.out
}

func (e *emitter) add(t btf.Type) btf.TypeRef {
	e.out = append(e.out, t)
	return btf.TypeRef(len(e.out))
}

// emit returns the number of the type without typedefs.
func (e *emitter) emit(id ID, follow bool, depth int) btf.TypeRef {
	id, t := underlying(e.kernel, id)
	if depth > maxDepth || len(e.out) > emitLimit {
		return 0
	}
	switch t.Kind {
	case btf.Void:
		return 0
	case btf.Ptr:
		p := btf.Type{Kind: btf.Ptr}
		if follow {
			p.Elem = e.emit(t.Elem, true, depth+1)
		}
		return e.add(p)
	case btf.Array:
		return e.add(btf.Type{
			Kind: btf.Array, Size: t.Size,
			Elem: e.emit(t.Elem, follow, depth+1), Index: e.emit(t.Index, false, depth+1),
		})
	case btf.FuncProto:
		p := btf.Type{Kind: btf.FuncProto, Elem: e.emit(t.Elem, follow, depth+1)}
		for _, param := range t.Params {
			p.Params = append(p.Params, e.emit(param, follow, depth+1))
		}
		return e.add(p)
	case btf.Struct, btf.Union:
		return e.composite(id, t, depth)
	case btf.Enum, btf.Enum64:
		return e.enum(id, t)
	}
	return e.add(btf.Type{Kind: t.Kind, Flag: t.Flag, Name: t.Name, Size: t.Size, IntData: t.IntData})
}

// composite emits a struct or union once, with its kept members in the order
// of the source.
func (e *emitter) composite(id ID, t *Type, depth int) btf.TypeRef {
	if ref, ok := e.named[id]; ok {
		return ref
	}
	ref := e.add(btf.Type{Kind: t.Kind, Name: t.Name, Size: t.Size})
	e.named[id] = ref
	kept := e.keep.members[id]
	slices.SortFunc(kept, func(a, b keptMember) int { return a.index - b.index })
	members := make([]btf.Member, len(kept))
	for i, k := range kept {
		m := t.Members[k.index]
		members[i] = btf.Member{
			Name: m.Name, Offset: m.Offset, Bits: m.Bits,
			Type: e.emit(m.Type, k.follow, depth+1),
		}
	}
	e.out[ref-1].Members = members
	return ref
}

// enum emits an enum once, with its kept enumerators.
func (e *emitter) enum(id ID, t *Type) btf.TypeRef {
	if ref, ok := e.named[id]; ok {
		return ref
	}
	kept := e.keep.values[id]
	slices.Sort(kept)
	values := make([]btf.Value, len(kept))
	for i, k := range kept {
		values[i] = btf.Value(t.Values[k])
	}
	ref := e.add(btf.Type{Kind: t.Kind, Flag: t.Flag, Name: t.Name, Size: t.Size, Values: values})
	e.named[id] = ref
	return ref
}
