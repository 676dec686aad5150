package shard

import (
	"encoding/binary"
	"errors"
	"fmt"
	"unsafe"

	"github.com/rules-gadget/rules_gadget/internal/btfgen/btf"
	"github.com/rules-gadget/rules_gadget/internal/btfgen/core"
)

// view returns b as a string, without a copy.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// encoder writes definitions of one kernel as bodies: self-contained bytes
// that refer to other named types by name, so that kernels which agree on a
// definition agree on its bytes, even if they differ elsewhere.
type encoder struct {
	v        *btf.View
	variants map[uint32]uint32 // by raw id, where a name is defined twice
	leaves   map[leaf]uint64   // number in leaves, plus one
	numbers  map[uint32]uint64 // the same by raw id, for those met so far
	out      []byte
	err      error
}

func newEncoder(v *btf.View) *encoder {
	e := &encoder{v: v, leaves: make(map[leaf]uint64, len(leaves)), numbers: map[uint32]uint64{}}
	for i, l := range leaves {
		e.leaves[l] = uint64(i) + 1
	}
	return e
}

// definition returns the body of a named type; it is valid until the next call.
func (e *encoder) definition(raw uint32) ([]byte, error) {
	e.out, e.err = e.out[:0], nil
	h := e.v.Header(raw)
	e.body(raw, h, 0)
	if e.err != nil {
		return nil, fmt.Errorf("BTF type %d: %w", raw, e.err)
	}
	return e.out, nil
}

func (e *encoder) fail(err error) {
	if e.err == nil {
		e.err = err
	}
}

func (e *encoder) uvarint(n uint64) { e.out = binary.AppendUvarint(e.out, n) }

func (e *encoder) varint(n int64) { e.out = binary.AppendVarint(e.out, n) }

func (e *encoder) string(s string) {
	e.uvarint(uint64(len(s)))
	e.out = append(e.out, s...)
}

// name writes the string at a BTF offset.
func (e *encoder) name(off uint32) {
	s, err := e.v.String(off)
	if err != nil {
		e.fail(err)
	}
	e.string(s)
}

// body writes what follows the name of a definition.
func (e *encoder) body(raw uint32, h btf.Header, depth int) {
	switch h.Kind {
	case btf.Struct, btf.Union:
		e.members(h, depth)
	case btf.Enum, btf.Enum64:
		e.values(h)
	case btf.Typedef:
		e.expr(h.Data, depth)
	case btf.Int, btf.Float:
		e.leaf(raw, h)
	case btf.Fwd:
	default:
		e.fail(fmt.Errorf("a %s has no definition", h.Kind))
	}
}

// members writes each offset as the difference from the one before, so that a
// new member changes two numbers and not all that follow.
func (e *encoder) members(h btf.Header, depth int) {
	e.uvarint(uint64(h.Data))
	e.uvarint(uint64(h.Vlen))
	last := int64(0)
	for i := range h.Vlen {
		off, bits := e.v.Word(h, 3*i+2), uint32(0)
		if h.Flag {
			off, bits = off&(1<<24-1), off>>24
		}
		e.name(e.v.Word(h, 3*i))
		e.expr(e.v.Word(h, 3*i+1), depth+1)
		delta := int64(off) - last
		last = int64(off)
		zigzag := uint64(delta)<<1 ^ uint64(delta>>63)
		if bits == 0 {
			e.uvarint(zigzag << 1)
		} else {
			e.uvarint(zigzag<<1 | 1)
			e.out = append(e.out, byte(bits))
		}
		if e.err != nil {
			return
		}
	}
}

func (e *encoder) values(h btf.Header) {
	sign := uint64(0)
	if h.Flag {
		sign = 1
	}
	e.uvarint(uint64(h.Data)<<1 | sign)
	e.uvarint(uint64(h.Vlen))
	words := 2
	if h.Kind == btf.Enum64 {
		words = 3
	}
	last := int64(0)
	for i := range h.Vlen {
		e.name(e.v.Word(h, words*i))
		low := e.v.Word(h, words*i+1)
		value := int64(low)
		switch {
		case words == 3:
			value |= int64(e.v.Word(h, words*i+2)) << 32
		case h.Flag:
			value = int64(int32(low))
		}
		e.varint(value - last)
		last = value
	}
}

func (e *encoder) leaf(raw uint32, h btf.Header) {
	if n, ok := e.numbers[raw]; ok {
		e.uvarint(exprLeaf | n<<exprBits)
		return
	}
	name, err := e.v.String(h.NameOff)
	if err != nil {
		e.fail(err)
		return
	}
	l := leaf{kind: h.Kind, name: name, size: h.Data}
	if h.Kind == btf.Int {
		l.data = e.v.Word(h, 0)
	}
	if n, ok := e.leaves[l]; ok {
		e.numbers[raw] = n
		e.uvarint(exprLeaf | n<<exprBits)
		return
	}
	e.uvarint(exprLeaf)
	e.out = append(e.out, byte(l.kind))
	e.string(l.name)
	e.uvarint(uint64(l.size))
	e.uvarint(uint64(l.data))
}

var (
	errNested = errors.New("it is nested too deeply")
	errLarge  = errors.New("it is larger than any definition")
)

// expr writes the type with this raw id, without modifiers and typedefs.
func (e *encoder) expr(raw uint32, depth int) {
	switch {
	case e.err != nil:
		return
	case depth > maxNesting:
		e.fail(errNested)
		return
	case len(e.out) > maxBody:
		e.fail(errLarge)
		return
	}
	s, err := core.Strip(e.v, raw, false)
	if err != nil {
		e.fail(err)
		return
	}
	if s.Raw == 0 {
		e.uvarint(exprVoid)
		return
	}
	h := e.v.Header(s.Raw)
	switch {
	case s.Kind == btf.Int || s.Kind == btf.Float:
		e.leaf(s.Raw, h)
	case s.Named && core.RootKind(s.Kind):
		e.ref(s.Raw, h)
	case s.Anchored():
		e.ref(s.Typedef, e.v.Header(s.Typedef))
	default:
		e.anonymous(s.Raw, h, depth)
	}
}

// ref writes a reference by name.
func (e *encoder) ref(raw uint32, h btf.Header) {
	variant := uint64(e.variants[raw])
	e.uvarint(exprRef | (variant<<3|uint64(codeOf(h.Kind, h.Flag)))<<exprBits)
	e.name(h.NameOff)
}

// anonymous writes a type that has no name, in full.
func (e *encoder) anonymous(raw uint32, h btf.Header, depth int) {
	switch h.Kind {
	case btf.Ptr:
		e.uvarint(exprPtr)
		e.expr(h.Data, depth+1)
	case btf.Array:
		e.uvarint(exprArray | uint64(e.v.Word(h, 2))<<exprBits)
		e.expr(e.v.Word(h, 0), depth+1)
		e.expr(e.v.Word(h, 1), depth+1)
	case btf.FuncProto:
		e.uvarint(exprFunc | uint64(h.Vlen)<<exprBits)
		e.expr(h.Data, depth+1)
		for i := range h.Vlen {
			e.expr(e.v.Word(h, 2*i+1), depth+1)
		}
	case btf.Struct, btf.Union, btf.Enum, btf.Enum64:
		e.uvarint(exprInline | uint64(codeOf(h.Kind, h.Flag))<<exprBits)
		e.body(raw, h, depth+1)
	default:
		e.fail(fmt.Errorf("a %s cannot be the type of anything", h.Kind))
	}
}
