package core

import (
	"slices"

	"github.com/rules-gadget/rules_gadget/internal/btfgen/btf"
)

// keep is what the relocations seen so far keep of a kernel's types.
type keep struct {
	roots   map[ID]bool         // true: pointers below it are followed
	order   []ID                // of roots, as they were met
	members map[ID][]keptMember // of structs and unions
	values  map[ID][]int        // of enums
}

// keptMember is a member by its place in the kernel's struct.
type keptMember struct {
	index  int
	follow bool // pointers in its type are followed
}

func newKeep() *keep {
	return &keep{roots: map[ID]bool{}, members: map[ID][]keptMember{}, values: map[ID][]int{}}
}

// root keeps a type by name, without members.
func (k *keep) root(id ID, follow bool) {
	before, ok := k.roots[id]
	if !ok {
		k.order = append(k.order, id)
	}
	k.roots[id] = before || follow
}

// member keeps one member of a struct.
func (k *keep) member(s step, follow bool) {
	list := k.members[s.owner]
	for i := range list {
		if list[i].index == s.index {
			list[i].follow = list[i].follow || follow
			return
		}
	}
	k.members[s.owner] = append(list, keptMember{s.index, follow})
}

// value keeps one enumerator.
func (k *keep) value(s step) {
	if list := k.values[s.owner]; !slices.Contains(list, s.index) {
		k.values[s.owner] = append(list, s.index)
	}
}

// allValues keeps the whole of an enum. A program that reads what the kernel calls one
// number has such numbers in its hands, and a runner finds the names of the others here.
func (k *keep) allValues(m *matcher, id ID) {
	for i := range m.target.Type(id).Values {
		k.value(step{id, i})
	}
}

// add keeps what one relocation needs of one candidate that it matches.
func (k *keep) add(m *matcher, r *Relocation, f found) {
	switch {
	case r.Kind == TypeMatches:
		k.root(f.root, true)
		k.shape(m, pair{r.root, f.root}, map[pair]bool{}, 0)
	case r.Kind.Field():
		k.root(f.root, false)
		for _, s := range f.steps {
			k.member(s, false)
		}
	case r.Kind == EnumvalValue:
		k.root(f.root, false)
		k.allValues(m, f.steps[0].owner)
	case r.Kind.Enumval():
		k.root(f.root, false)
		k.value(f.steps[0])
	default:
		k.root(f.root, true)
	}
}

// shape keeps what the local type has a counterpart for, so that type_matches
// gives the same answer by the rules of libbpf, which stops at pointers, and
// by those of cilium/ebpf, which does not.
func (k *keep) shape(m *matcher, p pair, seen map[pair]bool, depth int) {
	p, l, t := m.types(p)
	if seen[p] || depth > maxDepth {
		return
	}
	seen[p] = true
	switch {
	case l.Kind.AnyEnum() && t.Kind.AnyEnum():
		k.shapeValues(p.target, l, t)
	case l.Kind != t.Kind:
	case l.Kind == btf.Ptr || l.Kind == btf.Array:
		k.shape(m, pair{l.Elem, t.Elem}, seen, depth+1)
	case l.Kind == btf.FuncProto:
		for i := range min(len(l.Params), len(t.Params)) {
			k.shape(m, pair{l.Params[i], t.Params[i]}, seen, depth+1)
		}
		k.shape(m, pair{l.Elem, t.Elem}, seen, depth+1)
	case l.Kind.Composite():
		k.shapeMembers(m, p, seen, depth)
	}
}

func (k *keep) shapeMembers(m *matcher, p pair, seen map[pair]bool, depth int) {
	l, t := m.local.Type(p.local), m.target.Type(p.target)
	if !m.spend(len(l.Members) + len(t.Members)) {
		return
	}
	for _, lm := range l.Members {
		for i, tm := range t.Members {
			if namesAgree(lm.Name, tm.Name) {
				k.member(step{p.target, i}, true)
				k.shape(m, pair{lm.Type, tm.Type}, seen, depth+1)
			}
		}
	}
	// Flavours of one member count twice locally: keep enough to be more.
	if len(k.members[p.target]) < len(l.Members) && len(l.Members) <= len(t.Members) {
		for i := range t.Members {
			k.member(step{p.target, i}, true)
		}
	}
}

func (k *keep) shapeValues(id ID, l, t *Type) {
	for _, lv := range l.Values {
		if i := findValue(t, lv.Name); i >= 0 {
			k.value(step{id, i})
		}
	}
	if len(k.values[id]) < len(l.Values) && len(l.Values) <= len(t.Values) {
		for i := range t.Values {
			k.value(step{id, i})
		}
	}
}
