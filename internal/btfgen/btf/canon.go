package btf

import (
	"encoding/binary"
	"slices"
	"strings"
)

// TypeRef refers to a Type by its place in a list, plus one; void is 0.
type TypeRef uint32

// Type is a type to write.
type Type struct {
	Kind    Kind
	Flag    bool // fwd: a union; enum: signed
	Name    string
	Size    uint32 // bytes; array: number of elements
	IntData uint32
	Elem    TypeRef // ptr, typedef, array; func_proto: result
	Index   TypeRef // array
	Members []Member
	Values  []Value
	Params  []TypeRef
}

// Member is a member of a struct or union to write.
type Member struct {
	Name   string
	Type   TypeRef
	Offset uint32 // in bits
	Bits   uint8
}

// Value is an enumerator to write.
type Value struct {
	Name  string
	Value uint64
}

// canonical returns types without duplicates, in an order that depends on
// their contents alone. Types that refer to each other in circles count as
// equal when nothing that can be reached from them distinguishes them.
func canonical(types []Type) []Type {
	ranks := refine(types)
	count := 0
	for _, r := range ranks {
		count = max(count, int(r))
	}
	out := make([]Type, count)
	for i, t := range types {
		to := &out[ranks[i]-1]
		if to.Kind == Void {
			*to = renumbered(t, ranks)
		}
	}
	return out
}

// refine numbers the types from 1 by contents: first by what they are
// themselves, then by the numbers of what they refer to, until no number
// splits any more.
func refine(types []Type) []TypeRef {
	keys := make([]string, len(types))
	var buf []byte
	for i := range types {
		buf = ownKey(buf[:0], &types[i])
		keys[i] = string(buf)
	}
	ranks, count := rank(keys)
	for {
		for i := range types {
			buf = binary.BigEndian.AppendUint32(buf[:0], uint32(ranks[i]))
			buf = refKey(buf, &types[i], ranks)
			keys[i] = string(buf)
		}
		next, n := rank(keys)
		if n == count {
			return ranks
		}
		ranks, count = next, n
	}
}

// rank numbers keys by their order; equal keys have equal numbers.
func rank(keys []string) ([]TypeRef, int) {
	order := make([]int, len(keys))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return strings.Compare(keys[a], keys[b]) })
	ranks := make([]TypeRef, len(keys))
	n := 0
	for i, at := range order {
		if i == 0 || keys[at] != keys[order[i-1]] {
			n++
		}
		ranks[at] = TypeRef(n)
	}
	return ranks, n
}

// ownKey describes all of t but what it refers to.
func ownKey(b []byte, t *Type) []byte {
	b = append(b, byte(t.Kind), boolByte(t.Flag))
	b = append(append(b, t.Name...), 0)
	b = binary.BigEndian.AppendUint32(b, t.Size)
	b = binary.BigEndian.AppendUint32(b, t.IntData)
	for _, m := range t.Members {
		b = append(append(b, m.Name...), 0, m.Bits)
		b = binary.BigEndian.AppendUint32(b, m.Offset)
	}
	for _, v := range t.Values {
		b = append(append(b, v.Name...), 0)
		b = binary.BigEndian.AppendUint64(b, v.Value)
	}
	return binary.BigEndian.AppendUint32(b, uint32(len(t.Params)))
}

// refKey describes what t refers to.
func refKey(b []byte, t *Type, ranks []TypeRef) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(ref(t.Elem, ranks)))
	b = binary.BigEndian.AppendUint32(b, uint32(ref(t.Index, ranks)))
	for _, m := range t.Members {
		b = binary.BigEndian.AppendUint32(b, uint32(ref(m.Type, ranks)))
	}
	for _, p := range t.Params {
		b = binary.BigEndian.AppendUint32(b, uint32(ref(p, ranks)))
	}
	return b
}

func ref(r TypeRef, ranks []TypeRef) TypeRef {
	if r == 0 {
		return 0
	}
	return ranks[r-1]
}

func renumbered(t Type, ranks []TypeRef) Type {
	t.Elem, t.Index = ref(t.Elem, ranks), ref(t.Index, ranks)
	t.Members, t.Params = slices.Clone(t.Members), slices.Clone(t.Params)
	for i := range t.Members {
		t.Members[i].Type = ref(t.Members[i].Type, ranks)
	}
	for i := range t.Params {
		t.Params[i] = ref(t.Params[i], ranks)
	}
	return t
}

func boolByte(b bool) byte {
	if b {
		return 1
	}
	return 0
}
