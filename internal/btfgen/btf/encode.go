package btf

import (
	"encoding/binary"
	"fmt"
)

// Encode writes types as BTF: no type twice, in an order that their contents
// determine, each string once in the order of first use.
func Encode(types []Type, bigEndian bool) ([]byte, error) {
	e := &encoder{order: binary.LittleEndian, offs: map[string]uint32{"": 0}, strs: []byte{0}}
	if bigEndian {
		e.order = binary.BigEndian
	}
	types = canonical(types)
	for i := range types {
		if err := e.add(&types[i]); err != nil {
			return nil, err
		}
	}
	return e.finish(), nil
}

// byteOrder is what encoding/binary's two orders can do.
type byteOrder interface {
	binary.ByteOrder
	binary.AppendByteOrder
}

type encoder struct {
	order byteOrder
	types []byte
	strs  []byte
	offs  map[string]uint32
}

func (e *encoder) word(w uint32) { e.types = e.order.AppendUint32(e.types, w) }

func (e *encoder) string(s string) uint32 {
	off, ok := e.offs[s]
	if !ok {
		off = uint32(len(e.strs))
		e.offs[s] = off
		e.strs = append(append(e.strs, s...), 0)
	}
	return off
}

// head writes the part that all kinds have in common.
func (e *encoder) head(t *Type, flag bool, vlen int, data uint32) {
	info := uint32(t.Kind)<<24 | uint32(vlen)
	if flag {
		info |= 1 << 31
	}
	e.word(e.string(t.Name))
	e.word(info)
	e.word(data)
}

func (e *encoder) add(t *Type) error {
	switch t.Kind {
	case Int:
		e.head(t, false, 0, t.Size)
		e.word(t.IntData)
	case Ptr, Typedef:
		e.head(t, false, 0, uint32(t.Elem))
	case Array:
		e.head(t, false, 0, 0)
		e.word(uint32(t.Elem))
		e.word(uint32(t.Index))
		e.word(t.Size)
	case Struct, Union:
		e.composite(t)
	case Enum, Enum64:
		e.enum(t)
	case Fwd:
		e.head(t, t.Flag, 0, 0)
	case Float:
		e.head(t, false, 0, t.Size)
	case FuncProto:
		e.head(t, false, len(t.Params), uint32(t.Elem))
		for _, p := range t.Params {
			e.word(0)
			e.word(uint32(p))
		}
	default:
		return fmt.Errorf("a type of kind %s cannot be written", t.Kind)
	}
	return nil
}

// composite uses the form with bitfield widths only where there is one.
func (e *encoder) composite(t *Type) {
	flag := false
	for _, m := range t.Members {
		flag = flag || m.Bits > 0
	}
	e.head(t, flag, len(t.Members), t.Size)
	for _, m := range t.Members {
		e.word(e.string(m.Name))
		e.word(uint32(m.Type))
		if flag {
			e.word(uint32(m.Bits)<<24 | m.Offset&(1<<24-1))
		} else {
			e.word(m.Offset)
		}
	}
}

func (e *encoder) enum(t *Type) {
	e.head(t, t.Flag, len(t.Values), t.Size)
	for _, v := range t.Values {
		e.word(e.string(v.Name))
		e.word(uint32(v.Value))
		if t.Kind == Enum64 {
			e.word(uint32(v.Value >> 32))
		}
	}
}

func (e *encoder) finish() []byte {
	b := make([]byte, 0, headerLen+len(e.types)+len(e.strs))
	b = e.order.AppendUint16(b, magic)
	b = append(b, 1, 0)
	b = e.order.AppendUint32(b, headerLen)
	b = e.order.AppendUint32(b, 0)
	b = e.order.AppendUint32(b, uint32(len(e.types)))
	b = e.order.AppendUint32(b, uint32(len(e.types)))
	b = e.order.AppendUint32(b, uint32(len(e.strs)))
	return append(append(b, e.types...), e.strs...)
}
