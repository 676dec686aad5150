package core

import "github.com/rules-gadget/rules_gadget/internal/btfgen/btf"

// markGuarded sets Guarded of each relocation for which the object also asks
// whether it, its root type, a field on the way to it or a sibling of it
// exists. The compiler's output does not say whether the question decides over
// this very instruction, but an object that asks is prepared for the answer.
// A sibling counts when one of the two types has a flavour, which is how one
// writes "if the new field exists, read it, else the old one".
func (o *Object) markGuarded() {
	asked := map[string]bool{}
	for _, r := range o.Relocations {
		if !r.Kind.Existence() {
			continue
		}
		n := len(r.spec)
		asked[r.guardKey(n)] = true
		if n > 1 {
			asked[r.guardKey(n-1)+siblings] = true
			asked[r.guardKey(n-1)+flavoured] = asked[r.guardKey(n-1)+flavoured] || r.flavoured()
		}
	}
	for i := range o.Relocations {
		r := &o.Relocations[i]
		r.Guarded = asked[r.guardKey(0)]
		for n := 1; n <= len(r.spec) && !r.Guarded; n++ {
			key := r.guardKey(n - 1)
			r.Guarded = asked[r.guardKey(n)] || asked[key+flavoured] || r.flavoured() && asked[key+siblings]
		}
	}
}

// These are appended to the key of a struct one of whose members is asked for,
// the second one if the question uses a flavour. No member has such a name.
const (
	siblings  = ".*"
	flavoured = ".___*"
)

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
