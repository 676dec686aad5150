package shard

import (
	"github.com/rules-gadget/rules_gadget/internal/btfgen/btf"
	"github.com/rules-gadget/rules_gadget/internal/btfgen/core"
)

// decoder reads one definition.
type decoder struct {
	f *File
	cursor
}

// body reads what encoder.body wrote, except for typedefs.
func (d *decoder) body(t *core.Type, c code, depth int) {
	switch c {
	case codeStruct, codeUnion:
		d.members(t, depth)
	case codeEnum, codeEnum64:
		d.values(t)
	case codeFwdStruct, codeFwdUnion:
	default:
		d.fail()
	}
}

func (d *decoder) members(t *core.Type, depth int) {
	t.Size = uint32(d.uvarint())
	n := d.count()
	if n == 0 {
		return
	}
	t.Members = make([]core.Member, n)
	last := int64(0)
	for i := range t.Members {
		m := &t.Members[i]
		m.Name = d.string()
		m.Type = d.expr(depth + 1)
		z := d.uvarint()
		if z&1 != 0 {
			m.Bits = d.byte()
		}
		z >>= 1
		last += int64(z>>1) ^ -int64(z&1)
		m.Offset = uint32(last)
		if d.bad {
			return
		}
	}
}

func (d *decoder) values(t *core.Type) {
	head := d.uvarint()
	t.Size, t.Flag = uint32(head>>1), head&1 != 0
	n := d.count()
	if n == 0 {
		return
	}
	t.Values = make([]core.Value, n)
	last := int64(0)
	for i := range t.Values {
		name := d.string()
		last += d.varint()
		t.Values[i] = core.Value{Name: name, Value: uint64(last)}
	}
}

// typedef reads the definition of a typedef and returns the anonymous type
// that it names, if it does.
func (d *decoder) typedef(t *core.Type, r *record) *core.Type {
	rest := d.b
	head := d.uvarint()
	if head&(1<<exprBits-1) != exprInline {
		d.b = rest
		t.Elem = d.expr(0)
		return nil
	}
	anchor := d.inline(code(head>>exprBits), 0)
	t.Elem = d.f.symbol(reference{name: r.name, code: codeTypedef, variant: r.variant, anchor: true})
	return anchor
}

// inline reads an anonymous definition.
func (d *decoder) inline(c code, depth int) *core.Type {
	if c > codeEnum64 {
		d.fail()
		return nil
	}
	t := &core.Type{Kind: kinds[c].kind}
	d.body(t, c, depth+1)
	return t
}

// expr reads an expression and returns the ID of the type.
func (d *decoder) expr(depth int) core.ID {
	if depth > 2*maxNesting {
		d.fail()
	}
	head := d.uvarint()
	payload := head >> exprBits
	if d.bad {
		return 0
	}
	switch head & (1<<exprBits - 1) {
	case exprVoid:
		return 0
	case exprLeaf:
		return d.leaf(payload)
	case exprRef:
		return d.ref(payload)
	case exprPtr:
		return d.f.private(&core.Type{Kind: btf.Ptr, Elem: d.expr(depth + 1)})
	case exprArray:
		t := &core.Type{Kind: btf.Array, Size: uint32(payload)}
		t.Elem = d.expr(depth + 1)
		t.Index = d.expr(depth + 1)
		return d.f.private(t)
	case exprFunc:
		return d.function(payload, depth)
	case exprInline:
		if payload >= uint64(codeCount) {
			break
		}
		if t := d.inline(code(payload), depth); t != nil {
			return d.f.private(t)
		}
	}
	d.fail()
	return 0
}

func (d *decoder) leaf(n uint64) core.ID {
	if n > uint64(len(leaves)) {
		d.fail()
		return 0
	}
	if n > 0 {
		if d.f.leafIDs[n-1] == 0 {
			l := leaves[n-1]
			d.f.leafIDs[n-1] = d.f.private(&core.Type{Kind: l.kind, Name: l.name, Size: l.size, IntData: l.data})
		}
		return d.f.leafIDs[n-1]
	}
	kind := btf.Kind(d.byte())
	if kind != btf.Int && kind != btf.Float {
		d.fail()
		return 0
	}
	t := &core.Type{Kind: kind, Name: d.string()}
	t.Size, t.IntData = uint32(d.uvarint()), uint32(d.uvarint())
	return d.f.private(t)
}

func (d *decoder) ref(payload uint64) core.ID {
	c := payload & 7
	if c > uint64(codeTypedef) || payload>>3 > 1<<31 {
		d.fail()
		return 0
	}
	name := d.string()
	return d.f.symbol(reference{
		name: name, code: code(c), variant: uint32(payload >> 3), anchor: code(c) == codeTypedef,
	})
}

func (d *decoder) function(params uint64, depth int) core.ID {
	if params > uint64(len(d.b)) {
		d.fail()
		return 0
	}
	t := &core.Type{Kind: btf.FuncProto, Elem: d.expr(depth + 1)}
	for range params {
		t.Params = append(t.Params, d.expr(depth+1))
	}
	return d.f.private(t)
}
