// Package core computes what CO-RE relocations keep of a kernel's types. It
// knows three things: the relocations of BPF objects (Object), the types of a
// kernel as an interface (Types), and the rules by which libbpf and
// cilium/ebpf match the one against the other. The outcome of each relocation
// and the kept types, as canonical minimal BTF, form a Result.
//
// Modifiers (const, volatile, restrict, type tags) and typedefs between a
// member and its type mean nothing to any relocation. No Types shows them: a
// member's type is the type that they name.
package core

import "github.com/rules-gadget/rules_gadget/internal/btfgen/btf"

// ID names a type within one Types. Void is 0. An anonymous struct, union or
// enum has an ID for each place in which it occurs, so that what one place
// keeps does not show at another.
type ID uint32

// Type is one type, without what only a debugger needs.
type Type struct {
	Kind    btf.Kind
	Flag    bool   // fwd: a union; enum: signed
	Name    string // empty when anonymous
	Size    uint32 // in bytes; array: number of elements
	IntData uint32 // int: encoding<<24 | offset<<16 | bits
	Elem    ID     // ptr, typedef, array: what they refer to; func_proto: result
	Index   ID     // array: type of the index
	Members []Member
	Values  []Value
	Params  []ID
}

// Member is a member of a struct or union.
type Member struct {
	Name   string
	Type   ID
	Offset uint32 // in bits from the start of the struct
	Bits   uint8  // width of a bitfield, else 0
}

// Value is an enumerator; an enum of 32 bits sign-extends or zero-extends its
// values by its signedness.
type Value struct {
	Name  string
	Value uint64
}

// Types are the types of one kernel, or of one object.
type Types interface {
	// Find returns the named types with this essential name, of the kinds that
	// relocations can have as root: int, struct, union, enum, fwd, typedef,
	// float, enum64.
	Find(essential string) []ID
	// Type returns a type. It is a typedef only for an ID that Find returned.
	// An ID that turns out not to resolve yields the void type and sets Err.
	Type(ID) *Type
	// Err returns the first error met while resolving types.
	Err() error
}

// void is the type of ID 0.
var void = &Type{Kind: btf.Void}

// maxDepth bounds every walk along types; libbpf's bound is 32 or 64.
const maxDepth = 64

// underlying returns id and its type after skipping typedefs.
func underlying(ts Types, id ID) (ID, *Type) {
	for range maxDepth {
		t := ts.Type(id)
		if t.Kind != btf.Typedef {
			return id, t
		}
		id = t.Elem
	}
	return 0, void
}

// sizeOf returns the size of a type in bytes, as libbpf resolves it; ok is
// false for types without one.
func sizeOf(ts Types, id ID) (size uint64, ok bool) {
	n := uint64(1)
	for range maxDepth {
		_, t := underlying(ts, id)
		switch t.Kind {
		case btf.Int, btf.Struct, btf.Union, btf.Enum, btf.Enum64, btf.Float:
			return n * uint64(t.Size), true
		case btf.Ptr:
			return n * pointerSize, true
		case btf.Array:
			n *= uint64(t.Size)
			id = t.Elem
		default:
			return 0, false
		}
	}
	return 0, false
}

// pointerSize is the size of a pointer on every kernel that gadgets run on.
const pointerSize = 8
