package shard

import (
	"fmt"

	"github.com/rules-gadget/rules_gadget/internal/btfgen/btf"
	"github.com/rules-gadget/rules_gadget/internal/btfgen/core"
)

// session holds the types that have been decoded so far. An ID is either that
// of a type that occurs in one definition, or that of a name, which each
// kernel resolves to its own definition.
type session struct {
	nodes   []node
	symbols map[reference]core.ID
	leafIDs []core.ID // by number in leaves
}

// node is what an ID refers to: a type, or a name.
type node struct {
	typ *core.Type
	ref *reference
	grp *group // of ref, once it was read
}

// reference is a name as expressions refer to it.
type reference struct {
	name    string
	code    code
	variant uint32
	anchor  bool // a typedef: the anonymous type that it names, not the typedef
}

// decoded is a definition as types.
type decoded struct {
	typ    *core.Type
	anchor *core.Type // the anonymous type that a typedef names, or nil
}

func (f *File) initSession() {
	f.nodes = make([]node, 1, 1024)
	f.nodes[0].typ = &core.Type{Kind: btf.Void}
	f.symbols = map[reference]core.ID{}
	f.leafIDs = make([]core.ID, len(leaves))
}

// symbol returns the ID of a name.
func (f *File) symbol(r reference) core.ID {
	id, ok := f.symbols[r]
	if !ok {
		id = core.ID(len(f.nodes))
		f.nodes = append(f.nodes, node{ref: &r})
		f.symbols[r] = id
	}
	return id
}

// private returns the ID of a type of one definition.
func (f *File) private(t *core.Type) core.ID {
	f.nodes = append(f.nodes, node{typ: t})
	return core.ID(len(f.nodes) - 1)
}

// decode returns a definition as types.
func (f *File) decode(r *record) *decoded {
	if r.decoded != nil {
		return r.decoded
	}
	d := &decoder{f: f, cursor: cursor{b: r.body}}
	k := kinds[r.code]
	t := &core.Type{Kind: k.kind, Flag: k.flag, Name: r.name}
	out := &decoded{typ: t}
	switch r.code {
	case codeLeaf:
		out.typ = f.nodes[d.expr(0)].typ
		if out.typ == nil {
			d.fail()
		}
	case codeTypedef:
		out.anchor = d.typedef(t, r)
	default:
		d.body(t, r.code, 0)
	}
	if d.bad || len(d.b) > 0 {
		f.fail(fmt.Errorf("%w: definition of %q", errFormat, r.name))
		out = &decoded{typ: f.nodes[0].typ}
	}
	r.decoded = out
	return out
}

// types are the core.Types of one kernel. They note which groups a computation
// asks for, in order.
type types struct {
	f      *File
	kernel int
	run    int
	asked  []*group
}

func (t *types) touch(g *group) {
	if g.touched != t.run {
		g.touched = t.run
		t.asked = append(t.asked, g)
	}
}

// Find implements core.Types.
func (t *types) Find(essential string) []core.ID {
	g := t.f.group(essential)
	t.touch(g)
	var out []core.ID
	for _, r := range g.records {
		if r.has(t.kernel) {
			out = append(out, t.f.symbol(reference{name: r.name, code: r.code, variant: r.variant}))
		}
	}
	return out
}

// Type implements core.Types.
func (t *types) Type(id core.ID) *core.Type {
	f := t.f
	if int(id) >= len(f.nodes) {
		f.fail(errFormat)
		return f.nodes[0].typ
	}
	n := &f.nodes[id]
	if n.typ != nil {
		return n.typ
	}
	ref := n.ref
	if n.grp == nil {
		n.grp = f.group(btf.EssentialName(ref.name))
	}
	g := n.grp
	t.touch(g)
	for _, r := range g.records {
		if r.code == ref.code && r.variant == ref.variant && r.name == ref.name && r.has(t.kernel) {
			d := f.decode(r)
			if !ref.anchor {
				return d.typ
			}
			if d.anchor != nil {
				return d.anchor
			}
		}
	}
	f.fail(fmt.Errorf("%w: %q is referred to, but missing", errFormat, ref.name))
	return f.nodes[0].typ
}

// Err implements core.Types.
func (t *types) Err() error { return t.f.err }
