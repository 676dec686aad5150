package btf

import (
	"cmp"
	"encoding/binary"
	"slices"
	"strings"
)

// forward is one forward declaration.
type forward struct {
	id, nameOff uint32
	name        string
	union       bool
}

// OrderForwards puts the forward declarations that end the types into the order
// of their names, in the memory that Parse was given, and returns the new ids
// of those types by their old ones. Big-endian BTF, of which a View has a copy,
// is left as it is.
//
// clang 19 writes them in the order of addresses in its own memory, so that the
// lengths of the paths on its command line show in the object.
func (v *View) OrderForwards() (map[uint32]uint32, error) {
	first := uint32(v.Len()) + 1
	for first > 1 && v.Header(first-1).Kind == Fwd {
		first--
	}
	if v.big || first > uint32(v.Len()) {
		return nil, nil
	}
	var all []forward
	for id := first; id <= uint32(v.Len()); id++ {
		h := v.Header(id)
		name, err := v.String(h.NameOff)
		if err != nil {
			return nil, err
		}
		all = append(all, forward{id, h.NameOff, strings.Clone(name), h.Flag})
	}
	slices.SortStableFunc(all, func(a, b forward) int {
		return cmp.Or(strings.Compare(a.name, b.name), int(boolByte(a.union))-int(boolByte(b.union)))
	})
	v.orderNames(first, all)
	ids := map[uint32]uint32{}
	for i, f := range all {
		ids[f.id] = first + uint32(i)
		v.writeForward(first+uint32(i), f)
	}
	for id := uint32(1); id < first; id++ {
		v.renumber(v.Header(id), ids)
	}
	return ids, nil
}

// orderNames puts the names at the end of the string section that only forwards
// have into the order of all.
func (v *View) orderNames(first uint32, all []forward) {
	elsewhere := map[uint32]bool{}
	for id := uint32(1); id < first; id++ {
		h := v.Header(id)
		elsewhere[h.NameOff] = true
		each, at, _ := layout(h)
		for i := 0; at >= 0 && i < h.Vlen; i++ {
			elsewhere[v.Word(h, i*each+at)] = true
		}
	}
	byOffset := slices.Clone(all)
	slices.SortFunc(byOffset, func(a, b forward) int { return cmp.Compare(b.nameOff, a.nameOff) })
	begin := uint32(len(v.strs))
	for _, f := range byOffset {
		if f.nameOff >= begin {
			continue // a struct and a union of one name
		}
		if elsewhere[f.nameOff] || f.nameOff+uint32(len(f.name))+1 != begin {
			break
		}
		begin = f.nameOff
	}
	moved := map[uint32]uint32{}
	to := begin
	for i := range all {
		from := all[i].nameOff
		if from < begin {
			continue
		}
		if _, done := moved[from]; !done {
			moved[from] = to
			to += uint32(copy(v.strs[to:], all[i].name+"\x00"))
		}
		all[i].nameOff = moved[from]
	}
}

func (v *View) writeForward(id uint32, f forward) {
	b := v.types[v.offs[id-1]:]
	info := uint32(Fwd) << 24
	if f.union {
		info |= 1 << 31
	}
	binary.LittleEndian.PutUint32(b, f.nameOff)
	binary.LittleEndian.PutUint32(b[4:], info)
	binary.LittleEndian.PutUint32(b[8:], 0)
}

// layout is how the elements after the common part of a type lie: how many
// words each has, and which of these are a name and a type, -1 for none.
func layout(h Header) (each, name, ref int) {
	switch h.Kind {
	case Struct, Union:
		return 3, 0, 1
	case Enum:
		return 2, 0, -1
	case Enum64:
		return 3, 0, -1
	case FuncProto:
		return 2, 0, 1
	case Datasec:
		return 3, -1, 0
	}
	return 0, -1, -1
}

// renumber replaces the ids in the type that h heads.
func (v *View) renumber(h Header, ids map[uint32]uint32) {
	replace := func(at uint32) {
		b := v.types[at:]
		if id, ok := ids[binary.LittleEndian.Uint32(b)]; ok {
			binary.LittleEndian.PutUint32(b, id)
		}
	}
	switch h.Kind {
	case Ptr, Typedef, Volatile, Const, Restrict, Func, FuncProto, Var, DeclTag, TypeTag:
		replace(h.off - 4)
	case Array:
		replace(h.off)
		replace(h.off + 4)
	}
	each, _, ref := layout(h)
	for i := 0; ref >= 0 && i < h.Vlen; i++ {
		replace(h.off + 4*uint32(i*each+ref))
	}
}
