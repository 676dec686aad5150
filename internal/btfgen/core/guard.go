package core

import "github.com/rules-gadget/rules_gadget/internal/btfgen/btf"

// markGuarded sets Guarded of each relocation for which the same programs also
// ask whether it, its root type or a field on the way to it exists. The
// compiler's output does not say whether the question decides over this very
// instruction, but a program that asks is prepared for the answer. For a type
// with a flavour the question may be about a sibling, which is how one writes
// "if the new field exists, read it, else the old one".
func (o *Object) markGuarded() {
	asked := map[question]bool{}
	for _, r := range o.Relocations {
		if !r.Kind.Existence() {
			continue
		}
		n := len(r.spec)
		for _, program := range r.Programs {
			asked[question{program, r.guardKey(n)}] = true
			if n > 1 {
				asked[question{program, r.guardKey(n-1) + siblings}] = true
			}
		}
	}
	for i := range o.Relocations {
		r := &o.Relocations[i]
		r.Guarded = true
		for _, program := range r.Programs {
			r.Guarded = r.Guarded && r.guardedIn(program, asked)
		}
	}
}

// question is a path whose existence a program checks.
type question struct{ program, key string }

// guardedIn reports whether a program checks for r or for what leads to it.
func (r *Relocation) guardedIn(program string, asked map[question]bool) bool {
	if asked[question{program, r.guardKey(0)}] {
		return true
	}
	for n := 1; n <= len(r.spec); n++ {
		if asked[question{program, r.guardKey(n)}] || r.flavoured() && asked[question{program, r.guardKey(n-1) + siblings}] {
			return true
		}
	}
	return false
}

// siblings is appended to the key of a struct one of whose members is asked
// for. No member has such a name.
const siblings = ".*"

// flavoured reports whether the local name of the root type has a flavour.
func (r *Relocation) flavoured() bool { return btf.EssentialName(r.Root) != r.Root }

// guardKey names the first n steps of a relocation's path, without flavours.
func (r *Relocation) guardKey(n int) string {
	key := btf.EssentialName(r.Root)
	for _, a := range r.spec[:n] {
		key += "." + a.name
	}
	return key
}
