package core

import "github.com/rules-gadget/rules_gadget/internal/btfgen/btf"

// found is what a relocation leads to in one candidate type.
type found struct {
	root  ID
	steps []step // the members on the way, anonymous ones included
	value uint64 // what the loader writes into the instruction
	bits  uint64 // offset of the field
	bad   bool   // the loader gives the field up (a bitfield too wide)
}

// step is a member of a struct or union; or a value of an enum.
type step struct {
	owner ID
	index int
}

// field follows the path of a field relocation from the candidate root.
func (m *matcher) field(r *Relocation, root ID) (found, bool) {
	f := found{root: root}
	w := walk{m: m, found: &f, id: root}
	for i := range r.spec {
		a := &r.spec[i]
		w.id, w.typ = underlying(m.target, w.id)
		ok := false
		switch {
		case a.name != "":
			ok = w.member(a, w.id, 0)
		case i == 0:
			ok = w.index(a)
		default:
			ok = w.element(a)
		}
		if !ok {
			return f, false
		}
	}
	m.fieldValue(r.Kind, &w)
	return f, true
}

// walk is the state of following a path through a kernel's types.
type walk struct {
	m     *matcher
	found *found
	id    ID // the type that the path has reached
	typ   *Type

	named *Member // the last step, when it is a named member
	last  bool    // that member is the last one of its struct
}

// index takes p[n] at the start of a path.
func (w *walk) index(a *accessor) bool {
	w.named = nil
	if a.index == 0 {
		return true
	}
	size, ok := sizeOf(w.m.target, w.id)
	w.found.bits += uint64(a.index) * size * 8
	return ok
}

// element takes [n] of an array member.
func (w *walk) element(a *accessor) bool {
	if w.typ.Kind != btf.Array {
		return false
	}
	flexible := w.typ.Size == 0 && w.named != nil && w.last
	if a.index >= w.typ.Size && !flexible {
		return false
	}
	w.id, _ = underlying(w.m.target, w.typ.Elem)
	return w.index(a)
}

// member looks for a named member in the struct id and in the anonymous
// structs and unions in it, depth first.
func (w *walk) member(a *accessor, id ID, depth int) bool {
	id, t := underlying(w.m.target, id)
	if !t.Kind.Composite() || depth == maxDepth || !w.m.spend(len(t.Members)) {
		return false
	}
	bits, steps := w.found.bits, w.found.steps
	for i := range t.Members {
		tm := &t.Members[i]
		if tm.Name != "" && tm.Name != a.name {
			continue
		}
		w.found.bits = bits + uint64(tm.Offset)
		w.found.steps = append(w.found.steps[:len(steps)], step{id, i})
		if tm.Name == a.name {
			w.id, w.named, w.last = tm.Type, tm, i == len(t.Members)-1
			return w.m.fieldCompatible(pair{a.typ, tm.Type})
		}
		if w.member(a, tm.Type, depth+1) {
			return true
		}
	}
	w.found.bits, w.found.steps = bits, steps
	return false
}

// fieldValue computes what the relocation yields, to distinguish candidates that
// agree from candidates that do not.
func (m *matcher) fieldValue(k Kind, w *walk) {
	f := w.found
	size, ok := sizeOf(m.target, w.id)
	off, bits := f.bits/8, size*8
	if w.named != nil && w.named.Bits > 0 {
		bits = uint64(w.named.Bits)
		for ok = size > 0; ok; size *= 2 {
			off = f.bits / 8 / size * size
			if f.bits+bits <= (off+size)*8 {
				break
			}
			ok = size < 8
		}
	}
	f.bad = !ok
	switch k {
	case FieldExists:
		f.value, f.bad = 1, false
	case FieldByteOffset:
		f.value = off
	case FieldByteSize:
		f.value = size
	case FieldSigned:
		if _, t := underlying(m.target, w.id); t.signed() {
			f.value = 1
		}
	case FieldLShift:
		f.value = 64 - (f.bits + bits - off*8)
	case FieldRShift:
		f.value = 64 - bits
	}
}
