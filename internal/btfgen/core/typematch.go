package core

import "github.com/rules-gadget/rules_gadget/internal/btfgen/btf"

// typeMatches reports whether a kernel's type has the shape of the local one:
// every local member is there with a type that matches, ints agree in size and
// sign, arrays in length, enums have the local enumerators. Of a pointer's target
// the name of a struct suffices.
func (m *matcher) typeMatches(p pair, pointee bool, level int) bool {
	if level == 0 {
		return false
	}
	for range maxDepth / 2 {
		_, l, t := m.types(p)
		if (l.Name == "") != (t.Name == "") || !sameName(l.Name, t.Name) {
			return false
		}
		switch l.Kind {
		case btf.Ptr:
			if t.Kind != btf.Ptr {
				return false
			}
			pointee = true
			p = pair{l.Elem, t.Elem}
		case btf.Array:
			if t.Kind != btf.Array || l.Size != t.Size {
				return false
			}
			p = pair{l.Elem, t.Elem}
		case btf.FuncProto:
			if t.Kind != btf.FuncProto || !m.paramsMatch(l, t, pointee, level) {
				return false
			}
			p = pair{l.Elem, t.Elem}
		default:
			return m.leafMatches(l, t, pointee, level)
		}
	}
	return false
}

func (m *matcher) paramsMatch(l, t *Type, pointee bool, level int) bool {
	if len(l.Params) != len(t.Params) || !m.spend(len(l.Params)) {
		return false
	}
	for i := range l.Params {
		if !m.typeMatches(pair{l.Params[i], t.Params[i]}, pointee, level-1) {
			return false
		}
	}
	return true
}

// leafMatches compares two types whose names agree and that refer to no
// others, or to members only.
func (m *matcher) leafMatches(l, t *Type, pointee bool, level int) bool {
	switch l.Kind {
	case btf.Void:
		return t.Kind == btf.Void
	case btf.Int:
		return t.Kind == btf.Int && l.Size == t.Size && l.signed() == t.signed()
	case btf.Enum, btf.Enum64:
		return t.Kind.AnyEnum() && l.Size == t.Size && valuesMatch(l, t)
	case btf.Fwd:
		if t.Kind == btf.Fwd {
			return l.Flag == t.Flag
		}
		return pointee && t.Kind == fwdKind(l)
	case btf.Struct, btf.Union:
		if pointee {
			return t.Kind == l.Kind || t.Kind == btf.Fwd && fwdKind(t) == l.Kind
		}
		return t.Kind == l.Kind && m.membersMatch(l, t, level)
	}
	return false
}

// fwdKind returns what a forward declaration declares.
func fwdKind(t *Type) btf.Kind {
	if t.Flag {
		return btf.Union
	}
	return btf.Struct
}

// signed reports whether an int or an enum is signed.
func (t *Type) signed() bool {
	if t.Kind == btf.Int {
		return t.IntData>>24&1 != 0
	}
	return t.Flag
}

// membersMatch looks for each local member among the kernel's.
func (m *matcher) membersMatch(l, t *Type, level int) bool {
	if len(l.Members) > len(t.Members) || !m.spend(len(l.Members)+len(t.Members)) {
		return false
	}
	for _, lm := range l.Members {
		found := false
		for _, tm := range t.Members {
			if namesAgree(lm.Name, tm.Name) && m.typeMatches(pair{lm.Type, tm.Type}, false, level-1) {
				found = true
				break
			}
		}
		if !found {
			return false
		}
	}
	return true
}

// namesAgree compares essential names; an anonymous one agrees only with
// another anonymous one.
func namesAgree(a, b string) bool { return (a == "") == (b == "") && sameName(a, b) }

func valuesMatch(l, t *Type) bool {
	if len(l.Values) > len(t.Values) {
		return false
	}
	for _, lv := range l.Values {
		if findValue(t, lv.Name) < 0 {
			return false
		}
	}
	return true
}

// findValue returns the place of the first enumerator with name's essential
// name, or -1.
func findValue(t *Type, name string) int {
	for i, v := range t.Values {
		if sameName(v.Name, name) {
			return i
		}
	}
	return -1
}

// matchLevels is how many members typeMatches descends.
const matchLevels = 32
