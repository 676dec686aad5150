package btf

import (
	"encoding/binary"
	"slices"
	"strings"
)

// EnumDecl is an enum as its source declares it.
type EnumDecl struct {
	Name   string // empty when anonymous
	Size   uint32 // in bytes
	Signed bool
	Names  []string
	Values []uint64
}

// key is what distinguishes enums.
func (e EnumDecl) key() string { return e.Name + "{" + strings.Join(e.Names, ",") }

// RepairEnums returns the BTF with these enums as they are declared, regardless of what it
// says of their sign and values, or nil when it is right already. The ids of types
// stay. Big-endian BTF is left as it is.
//
// clang 19 takes no notice of an underlying type that is a typedef: the enum is
// unsigned, and of values of 64 bits it writes the lower half.
func (v *View) RepairEnums(enums []EnumDecl) ([]byte, error) {
	if v.big || len(enums) == 0 {
		return nil, nil
	}
	byKey := map[string]EnumDecl{}
	for _, e := range enums {
		byKey[e.key()] = e
	}
	types, changed := []byte{}, false
	for id := uint32(1); id <= uint32(v.Len()); id++ {
		h := v.Header(id)
		record := v.types[v.offs[id-1]:v.end(id)]
		if h.Kind == Enum {
			name, names, err := v.enumNames(h)
			if err != nil {
				return nil, err
			}
			e, ok := byKey[EnumDecl{Name: name, Names: names}.key()]
			if ok && e.Size == h.Data && (e.Size == 8 || e.Signed != h.Flag) {
				record, changed = v.enumRecord(h, e), true
			}
		}
		types = append(types, record...)
	}
	if !changed {
		return nil, nil
	}
	return frame(types, v.strs), nil
}

// end returns where the record of type id ends.
func (v *View) end(id uint32) uint32 {
	if int(id) < len(v.offs) {
		return v.offs[id]
	}
	return uint32(len(v.types))
}

func (v *View) enumNames(h Header) (string, []string, error) {
	name, err := v.String(h.NameOff)
	if err != nil {
		return "", nil, err
	}
	names := make([]string, h.Vlen)
	for i := range names {
		if names[i], err = v.String(v.Word(h, 2*i)); err != nil {
			return "", nil, err
		}
	}
	return name, names, nil
}

// enumRecord returns the record of the enum that h heads, as e declares it.
func (v *View) enumRecord(h Header, e EnumDecl) []byte {
	kind := Enum
	if e.Size == 8 {
		kind = Enum64
	}
	words := []uint32{h.NameOff, uint32(kind)<<24 | uint32(h.Vlen) | uint32(boolByte(e.Signed))<<31, e.Size}
	for i, value := range e.Values {
		words = append(words, v.Word(h, 2*i), uint32(value))
		if kind == Enum64 {
			words = append(words, uint32(value>>32))
		}
	}
	return little(words)
}

// frame returns BTF of a type and a string section.
func frame(types, strs []byte) []byte {
	n := uint32(len(types))
	return slices.Concat([]byte{magic & 0xff, magic >> 8, 1, 0}, little([]uint32{headerLen, 0, n, n, uint32(len(strs))}),
		types, strs)
}

func little(words []uint32) []byte {
	var b []byte
	for _, w := range words {
		b = binary.LittleEndian.AppendUint32(b, w)
	}
	return b
}
