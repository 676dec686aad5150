package core

import (
	"errors"
	"fmt"

	"github.com/rules-gadget/rules_gadget/internal/btfgen/btf"
)

// Status is the outcome of one relocation on one kernel.
type Status uint8

// The outcomes.
const (
	Absent    Status = iota // the kernel has nothing that matches
	Resolved                // one answer
	Ambiguous               // several candidates that disagree: loaders refuse it
)

// String returns the status as reports spell it.
func (s Status) String() string {
	return [...]string{"absent", "resolved", "ambiguous"}[s]
}

// Result is what the relocations of some objects come to on one kernel.
type Result struct {
	BTF    []byte     // minimal BTF, canonical
	Status [][]Status // by object, by relocation
}

// ErrWork is the error for types that contain themselves or each other.
var ErrWork = errors.New("the types are nested without end")

// Relocate matches all relocations of the objects with the types of a kernel.
// The order of the kernel's types has no influence on the result, nor have
// types that no relocation touches: kernels that agree in what the objects
// see give equal bytes. It does not change the objects, which several calls may
// share at the same time.
func Relocate(objects []*Object, kernel Types, bigEndian bool) (*Result, error) {
	work := workLimit
	k := newKeep()
	res := &Result{Status: make([][]Status, len(objects))}
	for i, o := range objects {
		if len(o.Relocations) == 0 {
			continue
		}
		local := o.local.fork()
		res.Status[i] = relocateObject(&matcher{local: local, target: kernel, work: &work}, o, k)
		if err := local.Err(); err != nil {
			return nil, fmt.Errorf("types of object %q: %w", o.Name, err)
		}
	}
	if work < 0 {
		return nil, ErrWork
	}
	e := newEmitter(kernel, k)
	types := e.run()
	if err := kernel.Err(); err != nil {
		return nil, err
	}
	var err error
	res.BTF, err = btf.Encode(types, bigEndian)
	return res, err
}

// relocateObject returns the outcomes for one object. Like libbpf it narrows
// the candidates of a local type to those that earlier relocations of the type
// matched.
func relocateObject(m *matcher, o *Object, k *keep) []Status {
	out := make([]Status, len(o.Relocations))
	narrowed := map[uint32][]ID{}
	for i := range o.Relocations {
		r := &o.Relocations[i]
		if r.Kind == TypeIDLocal {
			out[i] = Resolved
			continue
		}
		current, ok := narrowed[r.typeID]
		if !ok {
			current = m.candidates(r)
		}
		out[i], narrowed[r.typeID] = m.relocate(r, current, k)
	}
	return out
}

// candidates returns the kernel's types that r can be about.
func (m *matcher) candidates(r *Relocation) []ID {
	var out []ID
	for _, id := range m.target.Find(btf.EssentialName(r.Root)) {
		if btf.Compatible(r.kind, m.target.Type(id).Kind) {
			out = append(out, id)
		}
	}
	return out
}

// relocate decides one relocation and returns the candidates that remain.
// All candidates of the name are kept where they match, also those that the
// outcome does not need: a loader then sees what it would see in the whole
// BTF, regardless of how it chooses.
func (m *matcher) relocate(r *Relocation, current []ID, k *keep) (Status, []ID) {
	var first found
	var matched []ID
	status := Absent
	for _, id := range current {
		f, ok := m.match(r, id)
		if !ok {
			continue
		}
		k.add(m, r, f)
		if len(matched) == 0 {
			first, status = f, Resolved
		} else if f.bits != first.bits || f.value != first.value || f.bad != first.bad {
			status = Ambiguous
		}
		matched = append(matched, id)
	}
	if status != Resolved {
		return status, current
	}
	return status, matched
}

// match compares one relocation with one candidate.
func (m *matcher) match(r *Relocation, id ID) (found, bool) {
	p := pair{r.root, id}
	switch {
	case r.Kind.Field():
		return m.field(r, id)
	case r.Kind.Enumval():
		return m.enumval(r, id)
	case r.Kind == TypeMatches:
		return found{root: id, value: 1}, m.typeMatches(p, false, matchLevels)
	}
	f := found{root: id, value: 1}
	switch r.Kind {
	case TypeSize:
		f.value, _ = sizeOf(m.target, id)
	case TypeIDTarget:
		f.value = uint64(id)
	}
	return f, m.typeCompatible(p, protoLevels)
}

func (m *matcher) enumval(r *Relocation, id ID) (found, bool) {
	f := found{root: id, value: 1}
	id, t := underlying(m.target, id)
	if !t.Kind.AnyEnum() {
		return f, false
	}
	i := findValue(t, r.spec[0].name)
	if i < 0 {
		return f, false
	}
	f.steps = []step{{id, i}}
	if r.Kind == EnumvalValue {
		f.value = t.Values[i].Value
	}
	return f, true
}
